import { predictLossPp } from '../../measure/predictor.ts';
import type { PredictedModel } from '../forms/model-manifest.ts';
import type { Manifest, ManifestDescendant } from '../manifest.ts';

type Delta = ManifestDescendant['deltas']['teacher'];

/** How a library's compositions are predicted: by its fitted curve, or for want of one by a sum of top-1 losses. */
export type PredictedBy = PredictedModel['by'];

/** @see PredictedBy. Sums of averages where every descendant was measured in several contexts. */
export function predictedBy({ predictor, blocks }: Manifest): PredictedBy {
  const all = blocks.flatMap(({ descendants }) => descendants);
  const hasKl = all.every(({ deltas }) => (deltas.average ?? deltas.teacher).klIncrease !== undefined);
  if (predictor !== undefined && hasKl) return 'predictor';
  return all.every(({ deltas }) => deltas.average !== undefined) ? 'average-sum' : 'teacher-sum';
}

/** What a descendant adds to the sum that the loss is predicted from: KL in nats for the predictor, else points lost. */
export function lossCost(manifest: Manifest): (delta: Delta) => number {
  // "0 - x", so that the teacher's own 0 does not become -0.
  return predictedBy(manifest) === 'predictor'
    ? ({ klIncrease }) => klIncrease!
    : ({ top1Pp }) => 0 - top1Pp.mean;
}

/** Points of top-1 that a composition loses against the teacher, from the sum of its descendants' costs. */
export function predictDropPp(manifest: Manifest, cost: number): number {
  return predictedBy(manifest) === 'predictor' ? predictLossPp(manifest.predictor!.parameters, cost) : cost;
}

/** The largest sum of costs whose predicted loss is at most `dropPp`; -Infinity where none is. */
export function costAtDrop(manifest: Manifest, dropPp: number): number {
  if (predictedBy(manifest) !== 'predictor') return dropPp;
  const { ceilingPp, scale, exponent } = manifest.predictor!.parameters;
  if (dropPp < 0) return -Infinity;
  if (dropPp >= ceilingPp) return Infinity;
  return scale * (-Math.log1p(-dropPp / ceilingPp)) ** (1 / exponent);
}

/** "the library's predictor (mean error 0.42 pp over 32 random compositions it was not fitted on)" */
export function describePrediction(manifest: Manifest): string {
  const { predictor, additivity } = manifest;
  const error = (errors: { compositions: number; meanAbsoluteErrorPp: number | null } | undefined) =>
    errors?.meanAbsoluteErrorPp == null
      ? ''
      : `, mean error ${errors.meanAbsoluteErrorPp.toFixed(2)} pp over ${errors.compositions} random compositions`;
  switch (predictedBy(manifest)) {
    case 'predictor':
      return `by the library's curve over summed KL${error(predictor?.crossValidated.all)}`;
    case 'average-sum':
      return `by summing the blocks' average losses${error(additivity?.averageSum.all)}`;
    case 'teacher-sum':
      return `by summing the blocks' losses in the teacher${error(additivity?.teacherSum.all)}`;
  }
}
