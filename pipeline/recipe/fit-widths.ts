import { refit, type FittedFfn, type RefitOptions } from '../compress/refit.ts';
import { absoluteRidge, oracleShrinkage, type Ridge } from '../compress/ridge.ts';
import type { BlockStatistics } from '../compress/statistics.ts';
import type { Targets } from '../compress/targets.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';

export interface FitOptions {
  readonly ridge: Ridge;
  readonly method: RefitOptions['method'];
}

/**
 * Cuts a block to each width of an order and gives it the best fc2, by default for the block's own outputs. One
 * factorisation serves all widths, but where the ridge depends on the kept set.
 */
export function fitWidths(
  teacher: FfnWeights,
  { statistics, targets }: { readonly statistics: BlockStatistics; readonly targets?: Targets },
  units: Int32Array,
  widths: readonly number[],
  { ridge, method }: FitOptions,
): FittedFfn[] {
  if (ridge !== 'oracle-shrinkage')
    return refit(teacher, statistics, units, widths, { ridge, method }, targets);
  const mean = absoluteRidge(statistics.covariance, teacher.hidden, 1);
  return widths.flatMap((width) => {
    const share = oracleShrinkage(statistics, units.subarray(0, width)) / mean;
    return refit(teacher, statistics, units, [width], { ridge: share, method }, targets);
  });
}
