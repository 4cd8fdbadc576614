import { scoreId, type Context, type ContextName } from './contexts.ts';
import { bounds, pairedScoresPp, type Interval } from './interval.ts';
import { pairedMeanPp, type ScorePair } from './paired-mean.ts';
import { summariseScores, type Scores } from './scores.ts';

/** A model with one descendant against the same model with the teacher's block, over the same images. */
export interface Delta {
  readonly images: number;
  /** Percentage points; negative is a loss. */
  readonly top1Pp: Interval;
  readonly top5Pp?: number;
  /** KL(teacher || model with the descendant), in nats. */
  readonly kl: number;
  /** What of it the descendant adds: minus that of the same model with the teacher's block. */
  readonly klIncrease: number;
  /** Percent of the images on which the model with the descendant agrees with the teacher. */
  readonly agreementPercent: number;
}

/** By context; `average` over those that were measured. */
export type Deltas = { readonly teacher: Delta; readonly average: Delta } & {
  readonly [name in Exclude<ContextName, 'teacher'>]?: Delta;
};

/**
 * The deltas of the descendant of `block` with `width` hidden units in every context.
 * @param hidden of the teacher's block: at this width nothing is exchanged, and the differences are 0 exactly
 * @param contexts as `contextsOf` gives them; one whose models were not scored (a width failed) is passed over
 * @returns undefined where the descendant was not scored in the teacher's context
 */
export function deltasOf(
  models: ReadonlyMap<string, Scores>,
  contexts: readonly Context[],
  { block, width, hidden }: { readonly block: number; readonly width: number; readonly hidden: number },
  confidence: number,
): Deltas | undefined {
  const found: { name: ContextName; pair: ScorePair; delta: Delta }[] = [];
  for (const context of contexts) {
    const model = models.get(scoreId(context, block, width));
    const reference = models.get(scoreId(context, block, hidden));
    if (model === undefined || reference === undefined) continue;
    const [own, other] = [summariseScores(model), summariseScores(reference)];
    const delta: Delta = {
      images: own.images,
      top1Pp:
        width === hidden ? nothing : bounds(pairedScoresPp(model.correct, reference.correct, confidence)),
      ...(own.top5 !== undefined &&
        other.top5 !== undefined && { top5Pp: (100 * (own.top5 - other.top5)) / own.images }),
      kl: own.kl,
      klIncrease: own.kl - other.kl,
      agreementPercent: own.agreementPercent,
    };
    found.push({ name: context.name, pair: { model: model.correct, reference: reference.correct }, delta });
  }
  if (found[0]?.name !== 'teacher') return undefined;
  const all = found.map(({ delta }) => delta);
  const top5 = all.flatMap(({ top5Pp }) => (top5Pp === undefined ? [] : [top5Pp]));
  const average: Delta = {
    images: all[0]!.images,
    top1Pp:
      width === hidden
        ? nothing
        : bounds(
            pairedMeanPp(
              found.map(({ pair }) => pair),
              confidence,
            ),
          ),
    ...(top5.length > 0 && { top5Pp: mean(top5) }),
    kl: mean(all.map(({ kl }) => kl)),
    klIncrease: mean(all.map(({ klIncrease }) => klIncrease)),
    agreementPercent: mean(all.map(({ agreementPercent }) => agreementPercent)),
  };
  return {
    teacher: found[0].delta,
    ...Object.fromEntries(found.slice(1).map(({ name, delta }) => [name, delta])),
    average,
  };
}

const nothing: Interval = { mean: 0, low: 0, high: 0 };

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
