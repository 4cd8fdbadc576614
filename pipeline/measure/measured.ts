import { isClassifier, type Architecture } from '../model/architecture.ts';
import { bounds, meanInterval, pairedScoresPp, proportionPercent, type Interval } from './interval.ts';
import { summariseScores, type Scores } from './scores.ts';

/** A model's accuracy on n images, alone and against the teacher on the same images. */
export interface Measured {
  readonly images: number;
  readonly top1Percent: Interval;
  readonly top5Percent?: number;
  readonly top1DeltaPp: Interval;
  readonly top5DeltaPp?: number;
  /** Of models that answer with features `1 - cos`. */
  readonly kl: number;
  readonly agreementPercent: number;
  /** Of the model's feature to the teacher's, mean over the images; only of models that answer with features. */
  readonly cosine?: Interval;
}

/** Accuracies, deltas to the model `teacher` and intervals of all models of a sweep. */
export function measureAll(
  models: ReadonlyMap<string, Scores>,
  confidence: number,
  architecture: Pick<Architecture, 'answer'> = {},
): Map<string, Measured> {
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
        ...(!isClassifier(architecture) && { cosine: cosineOf(scores, confidence) }),
      };
      return [id, measured];
    }),
  );
}

function cosineOf({ kl }: Scores, confidence: number): Interval {
  if (kl.length < 2) return { mean: 1 - kl[0]!, low: -1, high: 1 };
  const loss = meanInterval(kl, confidence);
  return { mean: 1 - loss.mean, low: 1 - loss.high, high: 1 - loss.low };
}

/** The model of one sparsity in every block, step by step; undefined where the width failed. */
export interface MeasuredUniform {
  readonly sparsity: number;
  /** The units are cut and nothing is repaired. */
  readonly pruned?: Measured | undefined;
  readonly refit?: Measured | undefined;
  readonly distilled?: Measured | undefined;
  /** What each step gave: top-1 minus that of the step before, paired over the same images. */
  readonly gainsPp?:
    | {
        readonly refit?: Interval | undefined;
        readonly distilled?: Interval | undefined;
      }
    | undefined;
}

/** What a uniform model goes through, in this order. */
export const uniformKinds = ['pruned', 'refit', 'distilled'] as const;
export type UniformKind = (typeof uniformKinds)[number];

/** The id of a uniform model in score files. */
export const uniformId = (sparsity: number, kind: UniformKind): string => `uniform/${sparsity}/${kind}`;

/** The uniform model of the weights in a library whose blocks were distilled, or not. */
export const finalUniformId = (sparsity: number, distilled: boolean): string =>
  uniformId(sparsity, distilled ? 'distilled' : 'refit');

/** @throws Error for a model that is not there */
export function measuredOf<T>(models: Pick<ReadonlyMap<string, T>, 'get'>, id: string): T {
  const found = models.get(id);
  if (found === undefined) throw new Error(`model ${id} was not measured`);
  return found;
}

/** The uniform models among the measured ones, with what each step gave them. */
export function uniformOf(
  sparsities: readonly number[],
  models: ReadonlyMap<string, Scores>,
  measured: ReadonlyMap<string, Measured>,
  confidence: number,
): MeasuredUniform[] {
  return sparsities.map((sparsity) => {
    const gain = (after: UniformKind, before: UniformKind): Interval | undefined => {
      const [own, other] = [after, before].map((kind) => models.get(uniformId(sparsity, kind)));
      return own && other && bounds(pairedScoresPp(own.correct, other.correct, confidence));
    };
    return {
      sparsity,
      pruned: measured.get(uniformId(sparsity, 'pruned')),
      refit: measured.get(uniformId(sparsity, 'refit')),
      distilled: measured.get(uniformId(sparsity, 'distilled')),
      gainsPp: { refit: gain('refit', 'pruned'), distilled: gain('distilled', 'refit') },
    };
  });
}
