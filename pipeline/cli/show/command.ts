import type {
  Accuracy,
  AllocatedSummary,
  DescendantSummary,
  LibrarySummary,
  PredictionSummary,
  TeacherSummary,
  UniformSummary,
} from './summary.ts';
import { findPackage } from '../../deployment/open-package.ts';
import { readDeploymentSummary, renderDeployment } from './deployment.ts';
import { measureNames, type MeasureNames } from '../../measure/measure-names.ts';
import { fittedHeadText } from '../../library/fitted-head.ts';
import { flatteredNote } from '../../library/manifest-parts.ts';
import { describeFittedOn } from '../../recipe/fitted-on.ts';
import { formatCount } from '../../util/format.ts';
import {
  accuracyDecimals,
  formatAccuracy,
  formatDelta,
  formatPercent,
  signed,
} from '../../terminal/numbers.ts';
import { droppedColumns, renderTable } from '../../terminal/table.ts';
import type { Column } from '../../terminal/table.ts';
import type { Paint, Surroundings } from '../../terminal/terminal.ts';
import { wrapTo } from '../../terminal/width.ts';
import type { ShowCommand } from './arguments.ts';
import { methods } from '../../stages/methods.ts';
import { readLibrarySummary } from './read.ts';

/** Prints the table of a library, or of a run that makes none. Loads no engine. @returns the exit code */
export async function runShow(
  { library, json, wide }: ShowCommand,
  { stdout }: Surroundings,
): Promise<number> {
  // What goes into a file or a pipe is whole.
  const columns = wide || !stdout.isLive ? Infinity : stdout.columns;
  for (const { ending } of methods) {
    const found = await ending?.read(library);
    if (found === undefined) continue;
    stdout.write(`${json ? JSON.stringify(found.json, null, 2) : found.text(columns)}\n`);
    return 0;
  }
  const found = await findPackage(library);
  if (found !== undefined) {
    const deployment = await readDeploymentSummary(found);
    stdout.write(
      `${json ? JSON.stringify(deployment, null, 2) : renderDeployment(deployment, stdout.paint, columns)}\n`,
    );
    return 0;
  }
  const summary = await readLibrarySummary(library);
  stdout.write(
    `${json ? JSON.stringify(summary, null, 2) : renderSummary(summary, stdout.paint, columns)}\n`,
  );
  return 0;
}

/** A library as tables: every descendant block by block, then whole models beside the teacher. */
export function renderSummary(summary: LibrarySummary, paint: Paint, columns = Infinity): string {
  const { blocks, teacher, uniform, images = teacher.images, engine, seed, test } = summary;
  const names = measureNames(summary.measure);
  const measured = [
    `measured on ${formatImages(images)} of the selection split`,
    engine,
    ...(seed === undefined ? [] : [`seed ${seed}`]),
  ].join('; ');
  const told = (line: string) => wrapTo(line, columns, '  ');
  const flattered = (split: 'selection' | 'test') =>
    summary.mayBeTrainedOn?.includes(split) ? told(flatteredNote).map(paint.yellow) : [];
  const lines = [
    paint.bold('Descendants'),
    ...flattered('selection'),
    ...(teacher.fittedHead === undefined
      ? []
      : told(`the teacher's head was ${fittedHeadText(teacher.fittedHead)}`)),
    ...(summary.fitted === undefined ? [] : told(describeFittedOn(summary.fitted))),
    ...told(
      `${measured}; ${names.top1} delta: the model with this block against ${reference(summary.contexts, names)}`,
    ),
    ...told(leftOut(blocks, columns, names)).filter((line) => line !== ''),
    '',
    ...descendantTable(blocks, paint, columns, names),
    '',
    paint.bold('Whole models: the same share of hidden units removed in every block'),
    ...flattered('selection'),
    '',
    ...uniformTable(teacher, uniform, images, columns, names),
    ...allocatedTable(summary.allocated, images, paint, flattered('selection'), columns, names),
    ...(summary.prediction === undefined
      ? []
      : ['', ...predictionLine(summary.prediction).split('\n').flatMap(told)]),
  ];
  if (test !== undefined) {
    lines.push(
      '',
      paint.bold(`The same models on ${formatImages(test.images)} of the test split`),
      ...flattered('test'),
      '',
      ...uniformTable({ ...test.teacher, images: test.images }, test.uniform, test.images, columns, names),
      ...allocatedTable(test.allocated, test.images, paint, flattered('test'), columns, names),
    );
  }
  return lines.join('\n');
}

const descendantColumns = ({ top1, divergence }: MeasureNames): readonly Column[] => [
  { title: 'block' },
  { title: 'rank', align: 'right' },
  { title: 'width', align: 'right' },
  { title: 'removed', align: 'right' },
  { title: `${top1} delta pp [interval]` },
  { title: divergence, align: 'right', dispensable: 4 },
  { title: 'agreement', align: 'right', dispensable: 6 },
  { title: 'gain over refit', align: 'right', dispensable: 5 },
  { title: 'params', align: 'right', dispensable: 2 },
  { title: 'MACs', align: 'right', dispensable: 3 },
  { title: 'p50 ms', align: 'right', dispensable: 1 },
  { title: '', dispensable: 7 },
];

function descendantTable(
  blocks: LibrarySummary['blocks'],
  paint: Paint,
  columns: number,
  names: MeasureNames,
): string[] {
  const flat = flatten(blocks);
  return renderTable(descendantColumns(names), flat.map(descendantRow), {
    paintRow: (line, i) => (flat[i]!.descendant.dominated ? paint.dim(line) : line),
    columns,
  });
}

/** Which columns of it a narrow screen does not show, and what does. */
function leftOut(blocks: LibrarySummary['blocks'], columns: number, names: MeasureNames): string {
  const left = droppedColumns(descendantColumns(names), flatten(blocks).map(descendantRow), columns);
  return left.length === 0 ? '' : `a wider screen, --wide and --json also have: ${left.join(', ')}`;
}

interface FlatDescendant {
  /** Only beside the first of a block. */
  readonly block: string;
  readonly descendant: DescendantSummary;
}

function flatten(blocks: LibrarySummary['blocks']): FlatDescendant[] {
  return blocks.flatMap(({ block, descendants }) =>
    [...descendants]
      .sort((a, b) => b.width - a.width)
      .map((descendant, i) => ({ block: i === 0 ? block : '', descendant })),
  );
}

function descendantRow({ block, descendant }: FlatDescendant): string[] {
  return [
    block,
    descendant.rank === 0 ? '' : String(descendant.rank),
    String(descendant.width),
    formatPercent(descendant.sparsity * 100),
    formatDelta(descendant.top1DeltaPp),
    descendant.kl?.toFixed(4) ?? '',
    descendant.agreement === undefined ? '' : formatPercent(descendant.agreement),
    descendant.gainOverRefit === undefined ? '' : `${signed(descendant.gainOverRefit * 100, 1)} %`,
    formatCount(descendant.params),
    formatCount(descendant.macs),
    descendant.latencyMs.p50.toFixed(3),
    descendant.dominated ? 'dominated' : '',
  ];
}

const uniformColumns = ({ top1, divergence }: MeasureNames): readonly Column[] => [
  { title: 'removed', align: 'right' },
  { title: `${top1}, refit [interval]`, short: 'refit [interval]' },
  { title: `${top1}, distilled [interval]`, short: 'distilled [interval]' },
  { title: 'delta to teacher pp [interval]', short: 'delta pp [interval]' },
  { title: divergence, align: 'right', dispensable: 4 },
  { title: 'params', align: 'right', dispensable: 2 },
  { title: 'MACs', align: 'right', dispensable: 3 },
];

function uniformTable(
  teacher: TeacherSummary,
  uniform: readonly UniformSummary[],
  images: number,
  columns: number,
  names: MeasureNames,
): string[] {
  const decimals = accuracyDecimals(images);
  const count = (value: number | undefined): string => (value === undefined ? '' : formatCount(value));
  const own = formatAccuracy(teacher, decimals);
  const isDistilled = uniform.some(({ distilled }) => distilled !== undefined);
  const rows = uniform.map(({ sparsity, refit, distilled, params, macs }) => {
    const final: Accuracy = distilled ?? refit;
    return [
      formatPercent(sparsity * 100),
      formatAccuracy(refit, decimals),
      distilled === undefined ? '' : formatAccuracy(distilled, decimals),
      final.top1DeltaPp === undefined ? '' : formatDelta(final.top1DeltaPp),
      final.kl?.toFixed(4) ?? '',
      count(params),
      count(macs),
    ];
  });
  const all = [
    ['teacher', own, isDistilled ? own : '', '', '', count(teacher.params), count(teacher.macs)],
    ...rows,
  ];
  return renderTable(uniformColumns(names), all, { columns });
}

/** What a descendant is compared with. */
function reference(contexts: LibrarySummary['contexts'], { divergence }: MeasureNames): string {
  if (contexts === undefined || contexts.length < 2) return 'the teacher';
  return `the teacher's block, averaged over contexts (${contexts.join(', ')}); ${divergence}: what it adds`;
}

const allocatedColumns = ({ top1, divergence }: MeasureNames): readonly Column[] => [
  { title: 'removed', align: 'right' },
  { title: `${top1} [interval]` },
  { title: 'against uniform pp [interval]', short: 'against uniform pp' },
  { title: divergence, align: 'right', dispensable: 3 },
  { title: 'params', align: 'right', dispensable: 1 },
  { title: 'MACs', align: 'right', dispensable: 2 },
  { title: 'widths', least: 16 },
];

function allocatedTable(
  allocated: readonly AllocatedSummary[] | undefined,
  images: number,
  paint: Paint,
  notes: readonly string[],
  columns: number,
  names: MeasureNames,
): string[] {
  if (allocated === undefined || allocated.length === 0) return [];
  const count = (value: number | undefined): string => (value === undefined ? '' : formatCount(value));
  const rows = allocated.map((model) => [
    formatPercent(model.sparsity * 100),
    formatAccuracy(model, accuracyDecimals(images)),
    formatDelta(model.versusUniformPp),
    model.kl?.toFixed(4) ?? '',
    count(model.params),
    count(model.macs),
    model.widths.join(' '),
  ]);
  return [
    '',
    paint.bold('Widths allocated to blocks, at no more FFN parameters than the uniform model'),
    ...notes,
    '',
    ...renderTable(allocatedColumns(names), rows, { columns }),
  ];
}

function predictionLine({
  compositions,
  meanAbsoluteErrorPp,
  maxAbsoluteErrorPp,
  spearman,
  imageNoisePp,
}: PredictionSummary): string {
  // Two compositions have no order worth a number, none has no error.
  const known = (name: string, value: number | null) =>
    value === null ? [] : [`${name} ${value.toFixed(2)}`];
  const details = [...known('largest', maxAbsoluteErrorPp), ...known('rank correlation', spearman)];
  return (
    `The loss of ${compositions} random compositions is predicted from their blocks` +
    (meanAbsoluteErrorPp === null ? '' : ` with a mean error of ${meanAbsoluteErrorPp.toFixed(2)} pp`) +
    (details.length === 0 ? '' : ` (${details.join(', ')})`) +
    (imageNoisePp === undefined
      ? ''
      : `;\nso few images alone would make a perfect prediction look ${imageNoisePp.toFixed(2)} pp off`)
  );
}

function formatImages(images: number): string {
  return `${images.toLocaleString('en-US')} images`;
}
