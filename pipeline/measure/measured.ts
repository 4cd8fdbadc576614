import { bounds, pairedScoresPp, proportionPercent, type Interval } from './interval.ts';
import { summariseScores, type Scores } from './scores.ts';

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

/** Accuracies, deltas to the model `teacher` and intervals of all models of a sweep. */
export function measureAll(models: ReadonlyMap<string, Scores>, confidence: number): Map<string, Measured> {
  const reference = models.get('teacher')!;
  const teacherTop5 = summariseScores(reference).top5;
  return new Map(
    [...models].map(([id, scores]) => {
      const { images, correct, top5, kl, agreementPercent } = summariseScores(scores);
      const measured: Measured = {
        images,
        top1Percent: bounds(proportionPercent(correct, images, confidence)),
        top1DeltaPp: bounds(pairedScoresPp(scores.correct, reference.correct, confidence)),
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
