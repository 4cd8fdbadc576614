import { barsChart } from '../../../report/charts/bars.ts';
import type { Cell, ChartPart, Section, TablePart } from '../../../report/page.ts';
import { ruleText } from './headline.ts';
import { modelTable } from './model-table.ts';
import { timeNoise } from './time-noise.ts';
import { stepGains } from './step-gains.ts';
import type { Told } from './told.ts';
import { listed, pointsCell, pointsText, removedText, toneOf } from './words.ts';

/** Whole models: what each takes and loses, and what each step of the method gave. */
export function resultSection(told: Told): Section {
  const { final, run, confidenceText } = told;
  const rule = ruleText(told);
  const isTest = final.name === 'test';
  return {
    id: 'result',
    title: 'What came of it',
    lead:
      `Whole models, measured on ${final.words}${isTest ? ', which nothing was chosen by' : '; the config asks for no test images, and models were chosen by these'}. ` +
      `Ranges in brackets are ${confidenceText} intervals; differences are paired image by image, so they are known better than the two accuracies.`,
    parts: [
      ...(final.warning === undefined
        ? []
        : [{ kind: 'notices' as const, notices: [{ level: 'warning' as const, text: final.warning }] }]),
      modelTable(told),
      ...(rule === undefined ? [] : [{ kind: 'text' as const, text: rule }]),
      ...gainsChart(told),
      {
        kind: 'text',
        text: `Time: ${run.latency.describe}. ${timeNoise(run) ?? ''}`.trim(),
      },
    ],
  };
}

const stepKinds = [
  { name: 'refit', label: 'refit', colour: 'var(--c1)', shape: 'circle' },
  { name: 'distillation', label: 'distillation', colour: 'var(--c3)', shape: 'square' },
  { name: 'allocation', label: 'allocation', colour: 'var(--c4)', shape: 'diamond' },
] as const;

const againstText = {
  refit: 'refit against cut only',
  distillation: 'distilled against refit',
  allocation: 'allocated against uniform of its size',
} as const;

function gainsChart({ run, final, confidenceText, names: { top1 } }: Told): ChartPart[] {
  const gains = stepGains(run, final.name);
  const bars = gains.flatMap(({ sparsity, steps }) =>
    steps.map(({ name, gain }) => ({
      label: removedText(sparsity),
      value: gain.mean,
      low: gain.low,
      high: gain.high,
      kind: name,
      says: `${removedText(sparsity)} removed, ${againstText[name]}: ${pointsText(gain)}`,
    })),
  );
  if (bars.length === 0) return [];
  const clear = gains.flatMap(({ sparsity, steps }) =>
    steps
      .filter(({ gain }) => gain.low > 0)
      .map(({ name, gain }) => `${name} at ${removedText(sparsity)}: ${pointsText(gain)}`),
  );
  return [
    barsChart({
      title: `What each step gave, in points of ${top1}`,
      alternative:
        `Gains of ${top1} by the share of hidden units removed, with ${confidenceText} intervals on ${final.words}. ` +
        (clear.length === 0 ? 'None is clear of zero.' : `Clear of zero: ${listed(clear)}.`),
      bars,
      x: { title: `points of ${top1} gained over the step before` },
      y: 'removed',
      kinds: stepKinds,
      numbers: gainsTable(gains, top1),
    }),
  ];
}

function gainsTable(gains: ReturnType<typeof stepGains>, top1: string): TablePart {
  return {
    kind: 'table',
    caption: `What each step gave: ${top1} minus that of the step before, paired`,
    columns: [{ title: 'removed', align: 'right' }, { title: 'step' }, { title: 'gain, pp', align: 'right' }],
    rows: gains.flatMap(({ sparsity, steps }) =>
      steps.map(({ name, gain }): Cell[] => [
        { text: removedText(sparsity), value: sparsity },
        { text: againstText[name] },
        { text: pointsCell(gain), value: gain.mean, tone: toneOf(gain) },
      ]),
    ),
  };
}
