import type { Scores } from '../measure/scores.ts';
import type { JobContext } from '../runner/contract.ts';
import { uniformId } from './measure.ts';
import { descents } from './widths.ts';

interface Interval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
}

/** A model's accuracy on n images, alone and against the teacher on the same images. */
export interface Measured {
  readonly images: number;
  readonly top1Percent: Interval;
  readonly top5Percent?: number;
  readonly top1DeltaPp: Interval;
  readonly top5DeltaPp?: number;
  readonly kl: number;
  readonly agreementPercent: number;
}

/** Accuracies, deltas to the teacher and intervals of all models of a sweep. */
export async function measureAll(
  models: ReadonlyMap<string, Scores>,
  confidence: number,
): Promise<Map<string, Measured>> {
  const { pairedScoresPp, proportionPercent } = await import('../measure/interval.ts');
  const { summariseScores } = await import('../measure/scores.ts');
  const reference = models.get('teacher')!;
  const teacherTop5 = summariseScores(reference).top5;
  const bare = ({ mean, low, high }: Interval): Interval => ({ mean, low, high });
  return new Map(
    [...models].map(([id, scores]) => {
      const { images, correct, top5, kl, agreementPercent } = summariseScores(scores);
      const measured: Measured = {
        images,
        top1Percent: bare(proportionPercent(correct, images, confidence)),
        top1DeltaPp: bare(pairedScoresPp(scores.correct, reference.correct, confidence)),
        ...(top5 !== undefined &&
          teacherTop5 !== undefined && {
            top5Percent: (100 * top5) / images,
            top5DeltaPp: (100 * (top5 - teacherTop5)) / images,
          }),
        kl,
        agreementPercent,
      };
      return [id, measured];
    }),
  );
}

/** The uniform models among the measured ones, by sparsity. */
export function uniformOf(
  context: JobContext,
  measured: ReadonlyMap<string, Measured>,
): { sparsity: number; refit?: Measured; distilled?: Measured }[] {
  return descents(context.loaded.config, context.architecture.hidden).map(({ sparsity }) => {
    const refit = measured.get(uniformId(sparsity, 'refit'));
    const distilled = measured.get(uniformId(sparsity, 'distilled'));
    return { sparsity, ...(refit && { refit }), ...(distilled && { distilled }) };
  });
}
