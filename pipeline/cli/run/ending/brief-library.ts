import { measureNames } from '../../../measure/measure-names.ts';
import type { Interval } from '../../../measure/interval.ts';
import { fittedHeadText } from '../../../library/fitted-head.ts';
import { toleratedLossPp } from '../../../library/recommended-model.ts';
import { formatCount } from '../../../util/format.ts';
import { accuracyDecimals, formatAccuracy, formatPercent, signed } from '../../../terminal/numbers.ts';
import { renderTable, type Column } from '../../../terminal/table.ts';
import { displayWidth, wrapTo } from '../../../terminal/width.ts';
import type { Accuracy, LibrarySummary } from '../../show/summary.ts';

const kinds = ['pruned', 'refit', 'distilled', 'allocated'] as const;
type Kind = (typeof kinds)[number];

/** One share of hidden units removed, and what models of that share came to. */
type Row = { readonly sparsity: number; readonly params?: number | undefined } & Readonly<
  Partial<Record<Kind, Accuracy | undefined>>
>;

/** Lines of text around the table's own rows. */
const around = 6;

/**
 * What a library came to, in at most `rows` lines: each share of removed units with what pruning, refit, distillation and allocation
 * made of it, by the test split where that was measured, and the small model to take.
 */
export function briefLibrary(summary: LibrarySummary, columns: number, rows: number): string[] {
  const { test, teacher } = summary;
  const images = test?.images ?? summary.images ?? teacher.images;
  const split = test === undefined ? 'selection' : 'test';
  const models = test ?? summary;
  const all = rowsOf(models, summary);
  const head =
    teacher.fittedHead === undefined
      ? []
      : wrapTo(`The teacher's head was ${fittedHeadText(teacher.fittedHead)}.`, columns);
  const shown = thinned(all, Math.max(2, rows - around - head.length));
  const flattered = summary.mayBeTrainedOn?.includes(split) === true;
  const isExact = displayWidth(tableOf(shown, exact)[1]!) <= columns;
  const table = isExact ? tableOf(shown, exact) : tableOf(shown, half, columns);
  const interval = isExact ? '[95 % interval]' : '+- half its 95 % interval';
  const left = all.length - shown.length;
  return [
    ...wrapTo(
      `Teacher: ${summary.measure === undefined ? '' : `${measureNames(summary.measure).top1} `}${formatAccuracy(test?.teacher ?? teacher, accuracyDecimals(images))} of ${images.toLocaleString('en-US')} ` +
        `${split} images${flattered ? ', which it may have been trained on' : ''}. Points against it, ${interval}:`,
      columns,
    ),
    ...table,
    ...(left > 0 ? [`and ${left} more`] : []),
    ...head,
    ...recommendation(summary).flatMap((line) => wrapTo(line, columns)),
  ];
}

function rowsOf(
  { uniform, allocated = [] }: Pick<LibrarySummary, 'uniform' | 'allocated'>,
  { uniform: own }: LibrarySummary,
): Row[] {
  const at = <T extends { readonly sparsity: number }>(list: readonly T[], sparsity: number) =>
    list.find((item) => item.sparsity === sparsity);
  const sparsities = [...new Set([...uniform, ...allocated].map(({ sparsity }) => sparsity))];
  return sparsities
    .sort((a, b) => a - b)
    .map((sparsity) => ({
      sparsity,
      ...at(uniform, sparsity),
      params: at(own, sparsity)?.params,
      allocated: at(allocated, sparsity),
    }));
}

function tableOf(rows: readonly Row[], format: (interval: Interval) => string, columns?: number): string[] {
  const titles: readonly Column[] = [
    { title: 'removed', align: 'right' },
    ...kinds.map((title) => ({ title }) as const),
    { title: 'params', align: 'right', dispensable: 1 },
  ];
  const cells = rows.map((row) => [
    formatPercent(row.sparsity * 100),
    ...kinds.map((kind) => {
      const delta = row[kind]?.top1DeltaPp;
      return delta === undefined ? '' : format(delta);
    }),
    row.params === undefined ? '' : formatCount(row.params),
  ]);
  return renderTable(titles, cells, { columns });
}

/** "-3.1 [-4.4, -1.9]" */
function exact({ mean, low, high }: Interval): string {
  return `${signed(mean, 1)} [${signed(low, 1)}, ${signed(high, 1)}]`;
}

/** "-3.1 +-1.3": the longer side of the interval. */
function half({ mean, low, high }: Interval): string {
  return `${signed(mean, 1)} +-${Math.max(high - mean, mean - low).toFixed(1)}`;
}

/** The first, the last, and as evenly as can be what is between them. */
function thinned(rows: readonly Row[], most: number): readonly Row[] {
  if (rows.length <= most) return rows;
  const step = (rows.length - 1) / (most - 1);
  return Array.from({ length: most }, (_, i) => rows[Math.round(i * step)]!);
}

/** By the selection split it was chosen; how it then did on the test split is in the table. */
function recommendation({ recommended, teacher }: LibrarySummary): string[] {
  if (recommended === undefined) return [];
  const { kind, sparsity, params, top1DeltaPp, withinTolerance } = recommended;
  const share =
    teacher.params === undefined
      ? ''
      : `, ${formatPercent((100 * params) / teacher.params, 0)} of the parameters`;
  const why = withinTolerance
    ? `the leanest that surely loses less than ${toleratedLossPp} pp`
    : `the best trade; none surely loses less than ${toleratedLossPp} pp`;
  return [
    `Recommended: ${formatPercent(100 * sparsity, 0)} removed, ${kind}${share}: ${exact(top1DeltaPp)} pp on selection images (${why}).`,
  ];
}
