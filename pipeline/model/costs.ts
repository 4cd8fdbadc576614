import { blockTokens, blockWidth, familyOf, hiddenUnits, type Architecture } from './architecture.ts';
import { isFfnName } from './ffn-weights.ts';
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
 * The FFN of block `block` with `hidden` units: `T (D H + H D)` multiply-adds, `2 D H + H + D` parameters; with a gate `D H` and
 * `D H + H` more.
 */
export function blockCosts(architecture: Architecture, block: number, hidden: number): Costs {
  const width = blockWidth(architecture, block);
  const matrices = architecture.gated === true ? 3 : 2;
  return costs(
    matrices * width * hidden + (matrices - 1) * hidden + width,
    blockTokens(architecture, block) * matrices * width * hidden,
  );
}

/** All FFN blocks with `hiddens[i]` units in block i. */
export function ffnCosts(architecture: Architecture, hiddens: readonly number[]): Costs {
  const parts = hiddens.map((hidden, block) => blockCosts(architecture, block, hidden));
  return costs(sumOf(parts, 'params'), sumOf(parts, 'macs'));
}

/** Everything but the FFN blocks: patch embedding, token mixing, norms, head. The library stores it once. */
export function frameCosts(architecture: Architecture): Costs {
  const all = Object.values(canonicalShapes(architecture)).reduce((sum, shape) => sum + sizeOf(shape), 0);
  const { params } = ffnCosts(architecture, hiddenUnits(architecture));
  // A head of no outputs costs nothing.
  const told = architecture.answer === 'pooled' ? { ...architecture, classes: 0 } : architecture;
  return costs(all - params, familyOf(architecture).frameMacs(told));
}

/** The whole model with `hiddens[i]` units in block i; default: the model's own. */
export function modelCosts(
  architecture: Architecture,
  hiddens: readonly number[] = hiddenUnits(architecture),
): Costs {
  const parts = [frameCosts(architecture), ffnCosts(architecture, hiddens)];
  return costs(sumOf(parts, 'params'), sumOf(parts, 'macs'));
}

/**
 * Operations of the encoder's weight products in one image's forward pass: what plans guess durations from.
 * @param hiddens units of every block; default: the model's own
 */
export function forwardFlops(
  architecture: Architecture,
  hiddens: readonly number[] = hiddenUnits(architecture),
): number {
  const mixing = Object.entries(canonicalShapes(architecture))
    .filter(([name, shape]) => /^blocks\..*\.weight$/.test(name) && shape.length === 2 && !isFfnName(name))
    .reduce(
      (sum, [name, shape]) => sum + blockTokens(architecture, Number(name.split('.')[1])) * sizeOf(shape),
      0,
    );
  return 2 * (mixing + ffnCosts(architecture, hiddens).macs);
}

function sumOf(parts: readonly Costs[], of: 'params' | 'macs'): number {
  return parts.reduce((sum, part) => sum + part[of], 0);
}

function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, extent) => product * extent, 1);
}
