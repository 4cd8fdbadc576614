import {
  bounds,
  meanInterval,
  pairedScoresPp,
  proportionPercent,
  type Interval,
} from '../measure/interval.ts';
import { widthIn } from '../measure/level.ts';
import type { MeasureKind } from '../measure/measure-names.ts';
import type { Scores } from '../measure/scores.ts';
import type { Manifest } from '../library/manifest.ts';
import type { Library } from '../library/open.ts';
import type { ModelScores } from '../library/manifest-parts.ts';
import { remeasure, type RemeasureOptions } from '../library/remeasure.ts';
import type { MeasuredSplit, MeasureSource } from '../library/images.ts';

/** `same`: to the last digit that counts; `holds`: within the interval; `differs`: outside of it. */
export type Verdict = 'same' | 'holds' | 'differs';

/** A number that the manifest records, and the same measured again. */
export interface NumberVerdict {
  /** "teacher", "uniform 0.5", "allocated 0.5", "context sparsest" */
  readonly model: string;
  readonly what: 'top-1 %' | 'top-5 %' | 'delta pp' | 'KL' | 'agreement %' | 'against uniform pp';
  readonly recorded: number;
  readonly found: number;
  /** What `found` had to lie in; of KL, which is recorded without one, that of the new measurement around `recorded`. */
  readonly interval: Interval;
  readonly verdict: Verdict;
}

export interface MeasuredVerification {
  readonly engine: string;
  readonly recordedEngine: string;
  /** The split that the recorded numbers are of; a library's are always of `selection`, which is the default. */
  readonly recordedSplit?: MeasuredSplit;
  readonly split: MeasuredSplit;
  readonly images: number;
  /** The teacher may have been trained on these images. */
  readonly mayBeTrainedOn?: true;
  readonly numbers: readonly NumberVerdict[];
  /** What top-1 and KL stand for; absent of classifiers. */
  readonly measure?: MeasureKind | undefined;
  /** What is recorded and cannot be measured again from a library alone. */
  readonly notes: readonly string[];
}

export interface RecordedModel {
  readonly name: string;
  readonly descendants: readonly string[];
  readonly scores: ModelScores;
  /** Name of the model that `difference` is paired against. */
  readonly against?: { readonly name: string; readonly difference: Interval };
}

/**
 * Measures the recorded whole models again, from the library's files: the teacher, the contexts, the uniform and the
 * allocated models, and says of each number whether it holds. On the recorded images with the recorded engine all must
 * be the same; another engine differs in the last digits and must stay within the intervals; so must other images,
 * but for the one in twenty that a 95 % interval leaves out.
 *
 * @throws as `remeasure`
 */
export async function verifyMeasured(
  library: Library,
  source: MeasureSource,
  options: RemeasureOptions = {},
): Promise<MeasuredVerification> {
  const { manifest } = library;
  const { models, notes } = recordedModels(manifest);
  const found = await remeasure(
    library,
    source,
    models.map(({ descendants }) => descendants),
    options,
  );
  const { confidence, engine } = manifest;
  const scoresOf = new Map(models.map(({ name }, index) => [name, found.models[index]!.scores]));
  const { accuracy } = manifest.teacher;
  const own = found.teacher.measured;
  const numbers = [
    within('teacher', 'top-1 %', accuracy.top1Percent.mean, own.top1Percent.mean, accuracy.top1Percent),
    ...share('teacher', 'top-5 %', accuracy.top5Percent, own.top5Percent, accuracy.images, confidence),
    ...models.flatMap((model, index) => {
      const { measured, scores } = found.models[index]!;
      return [
        ...compareScores(model, measured, scores, confidence),
        ...compareDifference(model, scores, scoresOf, confidence),
      ];
    }),
  ];
  return {
    engine: found.engine.description,
    recordedEngine: `${engine.version} on ${engine.device}`,
    split: found.split,
    images: found.images,
    ...(manifest.teacher.measure && { measure: manifest.teacher.measure.kind }),
    numbers,
    notes,
  };
}

function recordedModels({ uniform, allocated = [], contexts = [], blocks }: Manifest): {
  models: RecordedModel[];
  notes: string[];
} {
  const models: RecordedModel[] = [];
  const notes: string[] = [];
  for (const { name, width, widths, ...scores } of contexts) {
    // The teacher's context is the teacher.
    if (name === 'teacher') continue;
    const level = { width, ...(widths && { widths }) };
    const chosen = blocks.map(
      ({ index, descendants }) => descendants.find((item) => item.width === widthIn(level, index))?.id,
    );
    const descendants = chosen.filter((id) => id !== undefined);
    if (descendants.length === blocks.length) models.push({ name: `context ${name}`, descendants, scores });
    else notes.push(`context ${name}: not every block has width ${width}`);
  }
  for (const { sparsity, descendants, refit, distilled } of uniform) {
    models.push({ name: `uniform ${sparsity}`, descendants, scores: distilled ?? refit });
    if (distilled !== null) {
      notes.push(`uniform ${sparsity}, refit: the weights before training are not in the library`);
    }
  }
  for (const { sparsity, descendants, scores, versusUniformPp: difference } of allocated) {
    const against = { name: `uniform ${sparsity}`, difference };
    models.push({ name: `allocated ${sparsity}`, descendants, scores, against });
  }
  return { models, notes };
}

/** Every number that is recorded of a model, beside the same measured again. */
export function compareScores(
  { name, scores: recorded }: RecordedModel,
  found: ModelScores,
  { kl }: Scores,
  confidence: number,
): NumberVerdict[] {
  const { images, top1Percent, top5Percent, top1DeltaPp, agreementPercent } = recorded;
  const spread = kl.length > 1 ? meanInterval(kl, confidence) : { mean: found.kl, low: 0, high: Infinity };
  return [
    within(name, 'top-1 %', top1Percent.mean, found.top1Percent.mean, top1Percent),
    ...share(name, 'top-5 %', top5Percent, found.top5Percent, images, confidence),
    within(name, 'delta pp', top1DeltaPp.mean, found.top1DeltaPp.mean, top1DeltaPp),
    within(name, 'KL', recorded.kl, found.kl, {
      mean: recorded.kl,
      low: recorded.kl - (spread.high - found.kl),
      high: recorded.kl + (found.kl - spread.low),
    }),
    ...share(name, 'agreement %', agreementPercent, found.agreementPercent, images, confidence),
  ];
}

function compareDifference(
  { name, against }: RecordedModel,
  scores: Scores,
  scoresOf: ReadonlyMap<string, Scores>,
  confidence: number,
): NumberVerdict[] {
  const reference = against && scoresOf.get(against.name);
  if (against === undefined || reference === undefined) return [];
  const { difference } = against;
  const found = bounds(pairedScoresPp(scores.correct, reference.correct, confidence));
  return [within(name, 'against uniform pp', difference.mean, found.mean, difference)];
}

/** A share of the images that is recorded without an interval: it has Wilson's. */
function share(
  model: string,
  what: NumberVerdict['what'],
  recorded: number | undefined,
  found: number | undefined,
  images: number,
  confidence: number,
): NumberVerdict[] {
  if (recorded === undefined || found === undefined) return [];
  const count = Math.round((recorded / 100) * images);
  return [within(model, what, recorded, found, bounds(proportionPercent(count, images, confidence)))];
}

function within(
  model: string,
  what: NumberVerdict['what'],
  recorded: number,
  found: number,
  { mean, low, high }: Interval,
): NumberVerdict {
  // Sums in another order: far below one image of any split.
  const rounding = 1e-6 * Math.max(1e-3, Math.abs(recorded));
  const same = Math.abs(found - recorded) <= rounding;
  const verdict = same ? 'same' : found >= low && found <= high ? 'holds' : 'differs';
  return { model, what, recorded, found, interval: { mean, low, high }, verdict };
}
