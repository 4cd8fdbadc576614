import { tokensPerImage, type Architecture } from './architecture.ts';
import { canonicalShapes } from './host-weights.ts';

/** What something costs to store and, per image, to compute. */
export interface Costs {
  readonly params: number;
  /** As float32. */
  readonly sizeBytes: number;
  /** Multiply-adds of the matrix products; additions, norms, softmax and GELU are not counted, as usual. */
  readonly macs: number;
}

function costs(params: number, macs: number): Costs {
  return { params, sizeBytes: 4 * params, macs };
}

/** One FFN block of `hidden` units: `T (D H + H D)` multiply-adds, `2 D H + H + D` parameters. */
export function blockCosts(architecture: Architecture, hidden: number): Costs {
  const { width } = architecture;
  return costs(2 * width * hidden + hidden + width, tokensPerImage(architecture) * 2 * width * hidden);
}

/** Everything but the FFN blocks: patch embedding, attention, norms, head. The library stores it once. */
export function frameCosts(architecture: Architecture): Costs {
  const { width, depth, patchSize, channels, classes, hidden } = architecture;
  const tokens = tokensPerImage(architecture);
  const all = Object.values(canonicalShapes(architecture))
    .map((shape) => shape.reduce((product, extent) => product * extent, 1))
    .reduce((sum, size) => sum + size, 0);
  const patches = (tokens - 1) * patchSize ** 2 * channels * width;
  // q, k, v and the output projection, then the scores and the weighted sum of values.
  const attention = tokens * 4 * width ** 2 + 2 * tokens ** 2 * width;
  return costs(
    all - depth * blockCosts(architecture, hidden).params,
    patches + depth * attention + width * classes,
  );
}

/** The whole model with `hiddens[i]` units in block i; default: the teacher. */
export function modelCosts(
  architecture: Architecture,
  hiddens: readonly number[] = new Array<number>(architecture.depth).fill(architecture.hidden),
): Costs {
  const parts = [frameCosts(architecture), ...hiddens.map((hidden) => blockCosts(architecture, hidden))];
  return costs(
    parts.reduce((sum, { params }) => sum + params, 0),
    parts.reduce((sum, { macs }) => sum + macs, 0),
  );
}

/** Operations of the encoder's weight products in one image's forward pass: what plans guess durations from. */
export function forwardFlops(architecture: Architecture): number {
  const { width, hidden, depth } = architecture;
  return 2 * tokensPerImage(architecture) * depth * (4 * width * width + 2 * width * hidden);
}
