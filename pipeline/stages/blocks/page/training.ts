import { kindsOf } from '../../../report/charts/kinds.ts';
import { linesChart } from '../../../report/charts/lines.ts';
import type { ChartPart, Section, TablePart } from '../../../report/page.ts';
import { errorsChart } from './refit-errors.ts';
import { heatMap, placeText } from './heat-maps.ts';
import type { WidthTraining } from './read-run.ts';
import type { Told } from './told.ts';
import { errorText, fixed, listed } from './words.ts';

/** How the descendants were made: the refit as predicted, and what training took off its error. */
export function trainingSection(told: Told): Section | undefined {
  const { manifest } = told.run.library;
  const chart = errorsChart(told);
  const curves = curvesCharts(told);
  const gain = gainMap(told);
  const parts = [...chart, ...(gain === undefined ? [] : [gain]), ...curves];
  if (parts.length === 0) return undefined;
  const { fitted } = manifest;
  const images =
    fitted === undefined
      ? ''
      : ` Fitted to ${fitted.refit.training} calibration images, judged on ${fitted.refit.heldOut} others${fitted.distill === null ? '' : `; trained on ${fitted.distill.training}`}, without labels.`;
  return {
    id: 'training',
    title: 'How the blocks were repaired',
    lead: `Errors are squared differences of a block's output from what it should be, as a share of the energy of that output.${images}`,
    parts,
  };
}

function gainMap({ run }: Told) {
  const { manifest } = run.library;
  const trained = manifest.blocks.flatMap(({ descendants }) =>
    descendants.flatMap(({ gainOverRefit }) => (gainOverRefit === null ? [] : [gainOverRefit])),
  );
  if (trained.length === 0) return undefined;
  return heatMap(
    manifest,
    'Share of the refit’s held-out error that training removed; 0 where the refit was kept, because training did not beat it',
    (item) => {
      const { gainOverRefit: gain, heldOutError, source } = item;
      if (gain === null) return null;
      const block = manifest.blocks.find(({ descendants }) => descendants.includes(item));
      const errors =
        heldOutError === null
          ? ''
          : `; held-out error after the refit ${errorText(heldOutError.refit)}, of the kept weights ${errorText(heldOutError.final)}`;
      return {
        text: `${fixed(100 * gain, 0)} %`,
        value: Math.max(0, gain),
        hover: `${block === undefined ? item.id : placeText(item, block.index, block.hidden)}: ${source === 'refit' ? 'the refit was kept' : `training removed ${fixed(100 * gain)} %`}${errors}`,
      };
    },
    'share',
  );
}

/** How many widths a chart can tell apart. */
const mostLines = 6;

/** By width, over the steps: KL on held-out images, and the loss that training lowered. */
function curvesCharts({ run: { trained }, names }: Told): ChartPart[] {
  const { divergence, divergenceFromTeacher, unit } = names;
  if (trained.length === 0) return [];
  const shown = spread(trained, mostLines);
  const kinds = kindsOf(shown.map(({ width }) => kindOf(width)));
  const of = shown.length < trained.length ? ` of ${trained.length}` : '';
  const widths = `widths ${listed(shown.map(({ width }) => String(width)))}${of}`;
  const losses = shown.flatMap(({ width, looks }) => {
    const points = looks.flatMap(({ step, loss }) => (loss === undefined ? [] : [{ x: step, y: loss }]));
    return points.length === 0 ? [] : [{ width, points }];
  });
  return [
    linesChart({
      title: `${divergenceFromTeacher} on held-out images while training`,
      alternative: `Training from the refit at step 0; ${widths}. ${sentence(shown.map(klText))}.`,
      lines: shown.map((training) => ({
        kind: kindOf(training.width),
        says: klText(training),
        points: training.looks.map(({ step, kl }) => ({ x: step, y: kl })),
      })),
      kinds,
      x: { title: 'step' },
      y: { title: `${divergence}${unit && `,${unit}`}`, log: true, format: '~g' },
      numbers: curvesTable(trained, divergence),
    }),
    ...(losses.length === 0
      ? []
      : [
          linesChart({
            title: 'Loss of the training, mean of the steps between two looks',
            alternative: `Loss over the steps; ${widths}. ${sentence(losses.map(lossText))}.`,
            lines: losses.map((line) => ({
              kind: kindOf(line.width),
              says: lossText(line),
              points: line.points,
            })),
            kinds,
            x: { title: 'step' },
            y: { title: 'loss', log: true, format: '~g' },
          }),
        ]),
  ];
}

const kindOf = (width: number): string => `width ${width}`;

function klText({ width, kept, klBefore, klAfter, looks }: WidthTraining): string {
  const end = lastOf(looks);
  return `width ${width}: ${errorText(klBefore)} of the refit, ${errorText(klAfter)} at the least, ${errorText(end.kl)} after ${end.step} steps${kept === 'refit' ? '; the refit was kept' : ''}`;
}

function lossText({ width, points }: { width: number; points: readonly { x: number; y: number }[] }): string {
  return `width ${width}: from ${errorText(points[0]!.y)} to ${errorText(lastOf(points).y)}`;
}

const sentence = (parts: readonly string[]): string =>
  parts.join('; ').replace(/^./, (first) => first.toUpperCase());

function curvesTable(trained: readonly WidthTraining[], divergence: string): TablePart {
  return {
    kind: 'table',
    caption: `${divergence} on held-out images before and after training`,
    columns: [
      { title: 'width', align: 'right' },
      { title: 'refit', align: 'right' },
      { title: 'least while training', align: 'right' },
      { title: 'at the end', align: 'right' },
      { title: 'kept' },
      { title: 'steps', align: 'right' },
    ],
    rows: trained.map(({ width, kept, klBefore, klAfter, looks }) => {
      const end = lastOf(looks);
      const cell = (value: number) => ({ text: errorText(value), value });
      return [
        { text: String(width), value: width },
        cell(klBefore),
        cell(klAfter),
        cell(end.kl),
        { text: kept === 'refit' ? 'refit' : 'trained' },
        { text: String(end.step), value: end.step },
      ];
    }),
  };
}

/** `readBlocksRun` sees to it that there is one. */
const lastOf = <T>(items: readonly T[]): T => items[items.length - 1]!;

/** Evenly, both ends among them. */
function spread<T>(items: readonly T[], most: number): readonly T[] {
  if (items.length <= most) return items;
  return Array.from({ length: most }, (_, i) => items[Math.round((i * (items.length - 1)) / (most - 1))]!);
}
