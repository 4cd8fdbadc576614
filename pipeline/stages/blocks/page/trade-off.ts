import { compositionFront } from '../../../compose/choose.ts';
import { openSpace, type ComposeSpace, type Resource } from '../../../compose/space.ts';
import { twoSidedQuantile } from '../../../measure/interval.ts';
import { pointsChart, type ChartPoint } from '../../../report/charts/points.ts';
import type { ChartPart, Section } from '../../../report/page.ts';
import { formatBytes, formatCount } from '../../../util/format.ts';
import { runSpace } from './budget.ts';
import { costsBy, type ModelCosts, type ReportedModel } from './reported-models.ts';
import type { Told, ToldSplit } from './told.ts';
import { listed, lossText, millisecondsText, percentText, pointsText, shareText } from './words.ts';

/** Accuracy against what it takes: every measured model, and the best that the library is predicted to have in it. */
export function tradeOffSection(told: Told): Section {
  const { selection, test, confidenceText, teacher } = told;
  const own = selection.of(teacher);
  const space = openSpace(runSpace(told.run));
  const charts = resources.map((resource) => selectionChart(told, space, resource));
  const [first, ...others] = charts;
  return {
    id: 'trade-off',
    title: 'Accuracy against what it takes',
    lead:
      `Each mark is a whole model that was measured. Bars are ${confidenceText} intervals of its difference from the teacher on the same images, drawn at the teacher's ${told.names.top1}` +
      `${own === undefined ? '' : ` (itself ${percentText(own.top1Percent)} on the ${selection.words})`}. ` +
      `The dashed line is the best that any composition of the library is predicted to reach: a prediction, not a measurement.${test === undefined ? '' : ' Models that were cut and not repaired are in the chart of the test split only: they lie far below.'}`,
    parts: [
      ...(first === undefined ? [] : [first]),
      ...(test === undefined ? [] : [testChart(told, test)]),
      ...others,
    ],
  };
}

const resourceWords: Readonly<
  Record<
    Resource,
    { readonly title: string; readonly text: (value: number) => string; readonly format: string }
  >
> = {
  params: { title: 'parameters', text: formatCount, format: '~s' },
  macs: { title: 'multiply-adds of one image', text: formatCount, format: '~s' },
  sizeBytes: { title: 'bytes of the weight files', text: formatBytes, format: '~s' },
  latencyMs: { title: 'milliseconds', text: millisecondsText, format: '~r' },
};
const resources = ['params', 'macs', 'sizeBytes', 'latencyMs'] as const;

function axisOf({ run }: Told, resource: Resource) {
  const { title, format } = resourceWords[resource];
  const time = run.latency.isWhole ? 'p50 in milliseconds' : 'p50 of the FFN blocks alone, in milliseconds';
  return { title: resource === 'latencyMs' ? time : title, format };
}

function selectionChart(told: Told, space: ComposeSpace, resource: Resource): ChartPart {
  const { run, selection, teacher, recommended } = told;
  const top1 = run.library.manifest.teacher.accuracy.top1Percent.mean;
  const { text } = resourceWords[resource];
  // What was only cut lies so low that all others would look alike; the chart of the test split has it.
  const hidden = told.test === undefined ? undefined : 'pruned';
  const front = compositionFront(space, resource).map((composition) => ({
    x: composition[resource] ?? 0,
    y: top1 - composition.predictedDropPp,
  }));
  const model = recommended?.model;
  return pointsChart({
    title: `${told.names.Top1} against ${axisOf(told, resource).title}, selection split`,
    alternative:
      `${told.names.Top1} of ${told.models.filter(({ kind }) => kind !== hidden).length} measured models and ${run.random.length} random compositions against ${axisOf(told, resource).title}, on ${selection.words}. ` +
      `The teacher: ${text(teacher[resource])}, ${percentOf(told, selection, 'teacher')}. ` +
      (model === undefined
        ? ''
        : `The recommended one, ${model.label}: ${text(model[resource])} (${shareText(model[resource], teacher[resource])}), ${percentOf(told, selection, model.id)}. `) +
      frontText(front, text),
    points: [...modelPoints(told, selection, resource, hidden), ...randomPoints(told, resource)],
    x: axisOf(told, resource),
    y: { title: `${told.names.top1}, %`, format: '~r' },
    front: thinned(front),
    chosen: { x: resource },
  });
}

function testChart(told: Told, split: ToldSplit): ChartPart {
  const kept = told.models.filter((model) => split.of(model) !== undefined);
  const clear = kept.flatMap((model) => {
    const difference = split.of(model)?.top1DeltaPp;
    return difference === undefined || difference.high >= 0 ? [] : [`${model.label} ${lossText(difference)}`];
  });
  return pointsChart({
    title: 'The same against parameters, test split',
    alternative:
      `${told.names.Top1} of ${kept.length} models against parameters, on ${split.words}, which nothing was chosen by. The teacher: ${percentOf(told, split, 'teacher')}. ` +
      (clear.length === 0 ? 'No loss is clear of zero.' : `Losses clear of zero: ${listed(clear)}.`),
    points: modelPoints(told, split, 'params'),
    x: axisOf(told, 'params'),
    y: { title: `${told.names.top1}, %`, format: '~r' },
  });
}

function modelPoints(
  told: Told,
  split: ToldSplit,
  resource: Resource,
  hidden?: ReportedModel['kind'],
): ChartPoint[] {
  const base = split.of(told.teacher)?.top1Percent.mean ?? 0;
  return told.models.flatMap((model) => {
    const measured = split.of(model);
    if (measured === undefined || model.kind === hidden) return [];
    const { top1Percent, top1DeltaPp } = measured;
    const isTeacher = model.kind === 'teacher';
    return [
      {
        x: model[resource],
        y: top1Percent.mean,
        ...(!isTeacher && { yLow: base + top1DeltaPp.low, yHigh: base + top1DeltaPp.high }),
        kind: model.kind,
        says:
          `${model.label}: ${resourceWords[resource].text(model[resource])}, ${percentText(top1Percent)}` +
          (isTeacher ? '' : `, ${pointsText(top1DeltaPp)} against the teacher`),
      },
    ];
  });
}

function randomPoints(told: Told, resource: Resource): ChartPoint[] {
  const { run, confidence } = told;
  const top1 = run.library.manifest.teacher.accuracy.top1Percent.mean;
  const z = twoSidedQuantile(confidence);
  const costsOf = costsBy(run);
  return run.random.map(({ widths, measuredLossPp, standardErrorPp }) => {
    const costs: ModelCosts = costsOf(widths);
    const mean = -measuredLossPp;
    const half = z * standardErrorPp;
    return {
      x: costs[resource],
      y: top1 + mean,
      yLow: top1 + mean - half,
      yHigh: top1 + mean + half,
      kind: 'random',
      says: `random composition ${widths.join(' ')}: ${resourceWords[resource].text(costs[resource])}, ${pointsText({ mean, low: mean - half, high: mean + half })} against the teacher`,
    };
  });
}

/** A front may have thousands of compositions; a line needs no more than a drawing has places. */
function thinned<T>(front: readonly T[]): readonly T[] {
  const most = 200;
  if (front.length <= most) return front;
  return Array.from({ length: most }, (_, i) => front[Math.round((i * (front.length - 1)) / (most - 1))]!);
}

function frontText(
  front: readonly { readonly x: number; readonly y: number }[],
  text: (value: number) => string,
): string {
  const [leanest, widest] = [front[0], front.at(-1)];
  return leanest === undefined || widest === undefined
    ? ''
    : `The predicted front goes from ${text(leanest.x)} at ${leanest.y.toFixed(1)} % to ${text(widest.x)} at ${widest.y.toFixed(1)} %.`;
}

function percentOf({ models }: Told, split: ToldSplit, id: string): string {
  const model = models.find((each) => each.id === id);
  const measured = model && split.of(model);
  return measured === undefined ? 'not measured' : percentText(measured.top1Percent);
}
