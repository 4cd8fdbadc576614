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
  const reference = measuredOf(models, 'teacher');
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

/** The model of one sparsity in every block, before and after distillation; undefined where a block failed. */
export interface MeasuredUniform {
  readonly sparsity: number;
  readonly refit?: Measured | undefined;
  readonly distilled?: Measured | undefined;
}

/** The id of a uniform model in score files. */
export const uniformId = (sparsity: number, kind: 'refit' | 'distilled'): string =>
  `uniform/${sparsity}/${kind}`;

/** The uniform model of the weights in a library whose blocks were distilled, or not. */
export const finalUniformId = (sparsity: number, distilled: boolean): string =>
  uniformId(sparsity, distilled ? 'distilled' : 'refit');

/** @throws Error for a model that is not there */
export function measuredOf<T>(models: ReadonlyMap<string, T>, id: string): T {
  const found = models.get(id);
  if (found === undefined) throw new Error(`model ${id} was not measured`);
  return found;
}

/** The uniform models among the measured ones. */
export function uniformOf(
  sparsities: readonly number[],
  measured: ReadonlyMap<string, Measured>,
): MeasuredUniform[] {
  return sparsities.map((sparsity) => ({
    sparsity,
    refit: measured.get(uniformId(sparsity, 'refit')),
    distilled: measured.get(uniformId(sparsity, 'distilled')),
  }));
}
