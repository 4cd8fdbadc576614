import { familyOf, layerShapes, tokensPerImage, type Architecture } from './architecture.ts';
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

/**
 * One FFN block of `hidden` units: `T (D H + H D)` multiply-adds, `2 D H + H + D` parameters; with a gate `D H` and `D H + H` more.
 */
export function blockCosts(architecture: Architecture, hidden: number): Costs {
  const { width, gated } = architecture;
  const matrices = gated === true ? 3 : 2;
  return costs(
    matrices * width * hidden + (matrices - 1) * hidden + width,
    tokensPerImage(architecture) * matrices * width * hidden,
  );
}

/** Everything but the FFN blocks: patch embedding, token mixing, norms, head. The library stores it once. */
export function frameCosts(architecture: Architecture): Costs {
  const all = Object.values(canonicalShapes(architecture)).reduce((sum, shape) => sum + sizeOf(shape), 0);
  const ffns = layerShapes(architecture).map(({ hidden }) => blockCosts(architecture, hidden).params);
  return costs(
    all - ffns.reduce((sum, params) => sum + params, 0),
    familyOf(architecture).frameMacs(architecture),
  );
}

/** The whole model with `hiddens[i]` units in block i; default: the model's own. */
export function modelCosts(
  architecture: Architecture,
  hiddens: readonly number[] = layerShapes(architecture).map(({ hidden }) => hidden),
): Costs {
  const parts = [frameCosts(architecture), ...hiddens.map((hidden) => blockCosts(architecture, hidden))];
  return costs(
    parts.reduce((sum, { params }) => sum + params, 0),
    parts.reduce((sum, { macs }) => sum + macs, 0),
  );
}

/** Operations of the encoder's weight products in one image's forward pass: what plans guess durations from. */
export function forwardFlops(architecture: Architecture): number {
  const products = Object.entries(canonicalShapes(architecture))
    .filter(([name, shape]) => name.startsWith('blocks.') && shape.length === 2)
    .reduce((sum, [, shape]) => sum + sizeOf(shape), 0);
  return 2 * tokensPerImage(architecture) * products;
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}
