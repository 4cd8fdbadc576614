import { pairedScoresPp, type Interval } from '../../measure/interval.ts';
import { unpairedDifferencePp } from '../../measure/unpaired-difference.ts';
import type { ComparedModel, ComparedRun } from '../compared-run.ts';

export interface OfRun {
  readonly run: ComparedRun;
  readonly model: ComparedModel;
}

export interface Difference extends Interval {
  readonly isPaired: boolean;
  /** That both were asked; undefined where the pairs are not known. */
  readonly images?: number | undefined;
  /** Why it is not paired. */
  readonly why?: string | undefined;
}

/** Right images of one model less that of the reference, in points: paired by image where both answered the same ones. */
export function difference(reference: OfRun, other: OfRun): Difference {
  const pairs = pairedScores(reference, other);
  return typeof pairs === 'string'
    ? {
        ...unpairedDifferencePp(other.model.top1Percent, reference.model.top1Percent),
        isPaired: false,
        why: pairs,
      }
    : { ...pairedScoresPp(pairs.other, pairs.reference, reference.run.confidence), isPaired: true };
}

/** Why the images of two runs are no pairs; undefined where they are. */
export function whyUnpaired(a: ComparedRun, b: ComparedRun): string | undefined {
  if (a.split.sha256 !== b.split.sha256) return 'other images';
  for (const { answers, split } of [a, b]) {
    if (answers === undefined) return 'answers not kept';
    if (answers.split !== split.sha256) return 'answers of other images';
  }
  const [labels, others] = [a.answers?.labels ?? [], b.answers?.labels ?? []];
  return labels.length === 0 ||
    labels.length !== others.length ||
    labels.some((label, i) => label !== others[i])
    ? 'other labels'
    : undefined;
}

function pairedScores(
  a: OfRun,
  b: OfRun,
): { readonly reference: Uint8Array; readonly other: Uint8Array } | string {
  const why = whyUnpaired(a.run, b.run);
  if (why !== undefined) return why;
  const labels = a.run.answers?.labels ?? [];
  const [said, others] = [answersOf(a), answersOf(b)];
  if (said?.length !== labels.length || others?.length !== labels.length) return 'answers not kept';
  const asked = labels.flatMap((label, i) => (said[i]! < 0 || others[i]! < 0 ? [] : [{ label, i }]));
  if (asked.length === 0) return 'no image that both were asked';
  return {
    reference: Uint8Array.from(asked, ({ label, i }) => Number(said[i] === label)),
    other: Uint8Array.from(asked, ({ label, i }) => Number(others[i] === label)),
  };
}

function answersOf({ run, model }: OfRun): readonly number[] | undefined {
  const models = run.answers?.models;
  return models !== undefined && Object.hasOwn(models, model.id) ? models[model.id] : undefined;
}
