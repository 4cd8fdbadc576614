import { predictLossPp } from '../measure/predictor.ts';
import type { PredictedModel } from './model-manifest.ts';
import { rankedDelta, type Manifest, type ManifestDescendant } from '../library/manifest.ts';

/** How the loss of a composition follows from its descendants: a sum of costs, and what that sum stands for. */
export interface LossModel {
  /** The library's fitted curve over summed KL, or for want of one the sum of top-1 losses. */
  readonly by: PredictedModel['by'];
  readonly costOf: (descendant: ManifestDescendant) => number;
  /** Points of top-1 lost against the teacher, rising with the summed cost. */
  readonly dropPp: (cost: number) => number;
  /** The largest summed cost whose loss is at most this; -Infinity where none is. */
  readonly costWithin: (dropPp: number) => number;
  /** For people, with the error that the library reports. */
  readonly describe: string;
}

export function lossModel(manifest: Manifest): LossModel {
  const { predictor, additivity, blocks } = manifest;
  const all = blocks.flatMap(({ descendants }) => descendants);
  if (predictor !== undefined && all.every((item) => rankedDelta(item).klIncrease !== undefined)) {
    const { ceilingPp, scale, exponent } = predictor.parameters;
    return {
      by: 'predictor',
      costOf: (item) => rankedDelta(item).klIncrease ?? NaN,
      dropPp: (cost) => predictLossPp(predictor.parameters, cost),
      costWithin(dropPp) {
        if (dropPp < 0) return -Infinity;
        if (dropPp >= ceilingPp) return Infinity;
        return scale * (-Math.log1p(-dropPp / ceilingPp)) ** (1 / exponent);
      },
      describe: `the library's curve over summed KL${meanError(predictor.crossValidated.all)}`,
    };
  }
  const isAveraged = all.every(({ deltas }) => deltas.average !== undefined);
  const errors = isAveraged ? additivity?.averageSum.all : additivity?.teacherSum.all;
  return {
    by: isAveraged ? 'average-sum' : 'teacher-sum',
    costOf: ({ deltas: { teacher, average = teacher } }) => 0 - (isAveraged ? average : teacher).top1Pp.mean,
    dropPp: (cost) => cost,
    costWithin: (dropPp) => dropPp,
    describe: `the sum of the blocks' ${isAveraged ? 'average losses' : "losses in the teacher's context"}${meanError(errors)}`,
  };
}

function meanError(errors?: {
  readonly compositions: number;
  readonly meanAbsoluteErrorPp: number | null;
}): string {
  return errors === undefined || errors.meanAbsoluteErrorPp === null
    ? ''
    : `; mean error ${errors.meanAbsoluteErrorPp.toFixed(2)} pp over ${errors.compositions} random compositions`;
}
