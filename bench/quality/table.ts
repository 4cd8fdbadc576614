import {
  bounds,
  pairedScoresPp,
  proportionPercent,
  twoSidedQuantile,
  type Interval,
} from '../../pipeline/measure/interval.ts';
import { formatDuration } from '../../pipeline/util/format.ts';
import { stageName, type ModelResult } from './run-recipe.ts';
import type { StoredRun } from './store.ts';

export interface QualityRow {
  readonly recipe: string;
  readonly allocation: ModelResult['allocation'];
  /** 0: one-shot. */
  readonly distillSteps: number;
  readonly sparsity: number;
  /** Share of all hidden units that is really kept, in percent, mean over folds. */
  readonly keptPercent: number;
  /** Distinct images; each counts once, averaged over the seeds that measured it. */
  readonly images: number;
  readonly seeds: number;
  readonly top1Percent: Interval;
  /** Minus the reference recipe's uniform model of the same steps and sparsity, on the same images. */
  readonly differencePp: Interval | null;
  readonly kl: number;
  /** The same difference in KL, with a normal interval over images: it resolves what flips of top-1 cannot. */
  readonly klDifference: Interval | null;
  readonly agreementPercent: number;
  /** Means over the folds. */
  readonly fitSeconds: number;
  readonly allocationSeconds: number;
  readonly distillSeconds: number;
}

export interface QualityTable {
  readonly reference: string;
  readonly teacher: { readonly images: number; readonly top1Percent: Interval };
  readonly rows: readonly QualityRow[];
}

/** Per image, what the seeds that measured it found on average. */
interface Pooled {
  readonly ids: readonly string[];
  readonly values: Float64Array;
  readonly seeds: number;
}

/**
 * One row per recipe, allocation, number of distillation steps and sparsity, pooled over folds and seeds. Folds of a seed
 * never share an image; seeds do, so an image's results are averaged over its seeds first and images, not measurements,
 * carry the intervals. With one seed the difference has Tango's interval.
 */
export function buildTable(
  runs: readonly StoredRun[],
  hiddenUnits: number,
  confidence: number,
  reference = 'blockforge',
): QualityTable {
  const groups = new Map<string, { run: StoredRun; model: ModelResult }[]>();
  for (const run of runs) {
    for (const model of run.models) {
      const key = keyOf(model.recipe, model.allocation, model.distillSteps, model.sparsity);
      groups.set(key, [...(groups.get(key) ?? []), { run, model }]);
    }
  }
  const folds = new Map(runs.map((run) => [`${run.seed}/${run.fold}`, run]));
  const teacher = pool([...folds.values()].map((run) => ({ run, values: run.teacher.correct })));
  const pooledOf = (group: readonly { run: StoredRun; model: ModelResult }[], of: 'correct' | 'kl') =>
    pool(group.map(({ run, model }) => ({ run, values: model.scores[of] })));
  const rows = [...groups.values()].map((group): QualityRow => {
    const { model } = group[0]!;
    const { recipe, allocation, distillSteps, sparsity } = model;
    const pooled = pooledOf(group, 'correct');
    const other = groups.get(keyOf(reference, 'uniform', distillSteps, sparsity));
    const isReference = recipe === reference && allocation === 'uniform';
    const images = group.reduce((sum, { run }) => sum + run.ids.length, 0);
    const mean = (valueOf: (model: ModelResult) => number): number =>
      group.reduce((sum, item) => sum + valueOf(item.model), 0) / group.length;
    const overImages = (valueOf: (model: ModelResult) => ArrayLike<number>): number =>
      group.reduce((sum, item) => sum + total(valueOf(item.model)), 0) / images;
    return {
      recipe,
      allocation,
      distillSteps,
      sparsity,
      keptPercent: (100 * mean(({ widths }) => widths.reduce((a, b) => a + b, 0))) / hiddenUnits,
      images: pooled.ids.length,
      seeds: pooled.seeds,
      top1Percent: shareOf(pooled, confidence),
      differencePp:
        other === undefined || isReference
          ? null
          : top1Difference(pooled, pooledOf(other, 'correct'), confidence),
      klDifference:
        other === undefined || isReference
          ? null
          : meanDifference(pooledOf(group, 'kl'), pooledOf(other, 'kl'), confidence),
      kl: overImages(({ scores }) => scores.kl),
      agreementPercent: 100 * overImages(({ scores }) => scores.agree),
      fitSeconds: mean(({ fitSeconds }) => fitSeconds),
      allocationSeconds: mean(({ allocationSeconds }) => allocationSeconds),
      distillSeconds: mean(({ distillSeconds }) => distillSeconds),
    };
  });
  return {
    reference,
    teacher: { images: teacher.ids.length, top1Percent: shareOf(teacher, confidence) },
    rows: rows.sort(
      (a, b) =>
        a.sparsity - b.sparsity || a.distillSteps - b.distillSteps || b.top1Percent.mean - a.top1Percent.mean,
    ),
  };
}

const keyOf = (...parts: readonly (string | number)[]): string => parts.join('/');

function pool(parts: readonly { run: StoredRun; values: ArrayLike<number> }[]): Pooled {
  const found = new Map<string, { sum: number; count: number }>();
  for (const { run, values } of parts) {
    for (const [image, id] of run.ids.entries()) {
      const { sum, count } = found.get(id) ?? { sum: 0, count: 0 };
      found.set(id, { sum: sum + values[image]!, count: count + 1 });
    }
  }
  return {
    ids: [...found.keys()],
    values: Float64Array.from(found.values(), ({ sum, count }) => sum / count),
    seeds: new Set(parts.map(({ run }) => run.seed)).size,
  };
}

function shareOf({ values: correct }: Pooled, confidence: number): Interval {
  const { mean, low, high } = proportionPercent(Math.round(total(correct)), correct.length, confidence);
  return {
    mean: (100 * total(correct)) / correct.length,
    low: Math.min(low, mean),
    high: Math.max(high, mean),
  };
}

/** In points, over the images that both measured; with one seed Tango's interval. */
function top1Difference(model: Pooled, reference: Pooled, confidence: number): Interval | null {
  const [a, b] = shared(model, reference);
  if (a.length < 2) return null;
  if (model.seeds > 1 || reference.seeds > 1) {
    return normalInterval(
      a.map((value, image) => 100 * (value - b[image]!)),
      confidence,
    );
  }
  return bounds(pairedScoresPp(a, b, confidence));
}

function meanDifference(model: Pooled, reference: Pooled, confidence: number): Interval | null {
  const [a, b] = shared(model, reference);
  if (a.length < 2) return null;
  return normalInterval(
    a.map((value, image) => value - b[image]!),
    confidence,
  );
}

/** Mean of paired differences with its normal interval. */
function normalInterval(differences: Float64Array, confidence: number): Interval {
  const mean = total(differences) / differences.length;
  const variance =
    differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (differences.length - 1);
  const half = twoSidedQuantile(confidence) * Math.sqrt(variance / differences.length);
  return { mean, low: mean - half, high: mean + half };
}

/** The values of both on the images that both measured. */
function shared(model: Pooled, reference: Pooled): [Float64Array, Float64Array] {
  const place = new Map(reference.ids.map((id, index) => [id, index]));
  const pairs = model.ids.flatMap((id, index): [number, number][] => {
    const other = place.get(id);
    return other === undefined ? [] : [[index, other]];
  });
  return [
    Float64Array.from(pairs, ([index]) => model.values[index]!),
    Float64Array.from(pairs, ([, index]) => reference.values[index]!),
  ];
}

function total(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum;
}

/** The table as Markdown, one section per sparsity, by steps of distillation, best first. */
export function markdownTable({ rows, reference }: QualityTable): string {
  const sections = [...new Set(rows.map(({ sparsity }) => sparsity))].map((sparsity) => {
    const some = rows.filter((row) => row.sparsity === sparsity);
    const lines = some.map((row) => {
      const difference = row.differencePp;
      return [
        row.recipe,
        row.allocation,
        stageOf(row),
        row.keptPercent.toFixed(1),
        `${row.top1Percent.mean.toFixed(1)} [${row.top1Percent.low.toFixed(1)}, ${row.top1Percent.high.toFixed(1)}]`,
        difference === null ? '-' : signedBounds(difference),
        row.kl.toPrecision(3),
        row.klDifference === null ? '-' : divergences(row.klDifference),
        row.agreementPercent.toFixed(1),
        secondsOf(row),
      ].join(' | ');
    });
    return [
      `### ${+(100 * sparsity).toFixed(2)} % of the hidden units removed`,
      '',
      `| recipe | widths | stage | kept % | top-1 % | minus ${reference} (uniform), points | KL, nats | minus ${reference} (uniform) | agreement % | fit |`,
      '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
      ...lines.map((line) => `| ${line} |`),
    ].join('\n');
  });
  return sections.join('\n\n');
}

function stageOf({ distillSteps, distillSeconds }: QualityRow): string {
  const name = stageName(distillSteps);
  return distillSteps === 0 ? name : `${name} (${formatDuration(distillSeconds)})`;
}

function secondsOf({ fitSeconds, allocationSeconds }: QualityRow): string {
  const parts = [formatDuration(fitSeconds)];
  if (allocationSeconds > 0) parts.push(`${formatDuration(allocationSeconds)} single blocks`);
  return parts.join(' + ');
}

/** To two digits of the mean: mild models differ by thousandths of a nat, all of them significant. */
function divergences(difference: Interval): string {
  const { mean } = difference;
  const digits = mean === 0 ? 2 : Math.max(2, 1 - Math.floor(Math.log10(Math.abs(mean))));
  return signedBounds(difference, digits);
}

function signedBounds({ mean, low, high }: Interval, digits = 1): string {
  return `${signed(mean, digits)} [${signed(low, digits)}, ${signed(high, digits)}]`;
}

function signed(value: number, digits: number): string {
  return `${value < 0 ? '-' : '+'}${Math.abs(value).toFixed(digits)}`;
}
