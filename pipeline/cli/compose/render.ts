import { formatAmount, resourceTitles } from '../../compose/amounts.ts';
import { isInside } from '../../compose/make-model.ts';
import type { RefittedModel } from '../../compose/model-manifest.ts';
import type { LatencyModel } from '../../profile/latency.ts';
import type { RecordedModel } from '../../compose/recorded-models.ts';
import { resources, type Limits, type Composition, type Resource } from '../../compose/space.ts';
import type { MeasuredModel } from '../../compose/model-manifest.ts';
import { flatteredNote } from '../../library/manifest-parts.ts';
import { measureNames, type MeasureNames } from '../../measure/measure-names.ts';
import type { Library } from '../../library/open.ts';
import { blockName } from '../../model/architecture.ts';
import { formatBytes } from '../../util/format.ts';
import { accuracyDecimals, formatAccuracy, formatDelta, signed } from '../../terminal/numbers.ts';
import { renderTable } from '../../terminal/table.ts';
import type { Paint } from '../../terminal/terminal.ts';
import { wrapTo } from '../../terminal/width.ts';

export interface ComposeFacts {
  /** What predicts the loss. */
  readonly prediction: string;
  /** Of the best one's drop, where it is known. */
  readonly marginPp: number | null;
  readonly latency: LatencyModel;
  readonly teacher: Composition;
  readonly limits: Limits;
  readonly compositions: readonly Composition[];
}

/** The best composition against the teacher, its blocks, and the other answers where there are some. */
export function renderCompositions(
  library: Library,
  facts: ComposeFacts,
  paint: Paint,
  columns = Infinity,
): string {
  const { compositions, teacher, limits, latency, prediction } = facts;
  const winner = compositions[0]!;
  const { top1Percent } = library.manifest.teacher.accuracy;
  const { top1 } = measureNames(library.manifest.teacher.measure?.kind);
  const share = (name: Resource) => `${((100 * winner[name]!) / teacher[name]!).toFixed(1)} %`;
  const rows = [
    ...resources.map((name) => [
      name === 'latencyMs' && !latency.isWhole ? 'latency of blocks' : resourceTitles[name],
      formatAmount(name, winner[name]!),
      share(name),
      formatAmount(name, teacher[name]!),
      limits[name] === undefined ? '' : formatAmount(name, limits[name]),
    ]),
    [
      `${top1} drop`,
      `${winner.predictedDropPp.toFixed(2)} pp`,
      facts.marginPp === null ? '' : `± ${facts.marginPp.toFixed(1)} pp`,
      `of ${top1Percent.mean.toFixed(1)} %`,
      limits.maxDropPp === undefined ? '' : `${limits.maxDropPp} pp`,
    ],
  ];
  const right = { align: 'right' } as const;
  return [
    paint.bold('Composition'),
    ...(library.manifest.data.selection.mayBeTrainedOn
      ? wrapTo(flatteredNote, columns, '  ').map(paint.yellow)
      : []),
    ...wrapTo(`drop predicted by ${prediction}`, columns, '  '),
    ...wrapTo(`latency: ${latency.describe}`, columns, '  '),
    '',
    ...renderTable(
      [
        { title: 'predicted' },
        { title: 'model', ...right },
        { title: 'of teacher', ...right },
        { title: 'teacher', ...right },
        { title: 'limit', ...right },
      ],
      rows,
    ),
    '',
    ...blockTable(library, winner),
    ...(compositions.length > 1
      ? ['', paint.bold('All answers, best first'), '', ...compositionTable(library, compositions, top1)]
      : []),
  ].join('\n');
}

function blockTable(library: Library, { descendants }: Composition): string[] {
  const rows = descendants.map((id, block) => {
    const { width, params } = library.descendant(id);
    const { hidden, descendants: all } = library.manifest.blocks[block]!;
    return [
      blockName(block),
      String(width),
      `${((100 * width) / hidden).toFixed(1)} %`,
      params.toLocaleString('en-US'),
      all.map((item) => (item.id === id ? `[${item.width}]` : String(item.width))).join(' '),
    ];
  });
  const right = { align: 'right' } as const;
  return renderTable(
    [
      { title: 'block' },
      { title: 'width', ...right },
      { title: 'of teacher', ...right },
      { title: 'params', ...right },
      { title: 'among' },
    ],
    rows,
  );
}

function compositionTable(library: Library, compositions: readonly Composition[], top1: string): string[] {
  const right = { align: 'right' } as const;
  return renderTable(
    [
      { title: '#', ...right },
      { title: `${top1} drop pp`, ...right },
      { title: 'params', ...right },
      { title: 'MACs', ...right },
      { title: 'size', ...right },
      { title: 'latency ms', ...right },
      { title: 'widths' },
    ],
    compositions.map((composition, index) => [
      String(index + 1),
      composition.predictedDropPp.toFixed(3),
      composition.params.toLocaleString('en-US'),
      composition.macs.toLocaleString('en-US'),
      formatBytes(composition.sizeBytes),
      composition.latencyMs?.toFixed(3) ?? '',
      composition.descendants.map((id) => library.descendant(id).width).join(' '),
    ]),
  );
}

/** What was measured beside what was predicted. */
export function renderMeasuredModel(
  composition: Composition,
  measured: MeasuredModel,
  paint: Paint,
  names: MeasureNames = measureNames(),
): string {
  const { images, top1Percent, top1DeltaPp, kl, agreementPercent, split } = measured;
  const accuracy = { top1: top1Percent.mean, top1Low: top1Percent.low, top1High: top1Percent.high };
  return [
    paint.bold(`Measured on ${images.toLocaleString('en-US')} images of the ${split} split`),
    '',
    `${names.top1.padEnd(10)} ${formatAccuracy(accuracy, accuracyDecimals(images))}`,
    `measured   ${formatDelta(top1DeltaPp)} pp against the teacher, paired`,
    `predicted  ${signed(-composition.predictedDropPp)} pp, ${isInside(composition, measured) ? 'inside' : 'outside'} the interval`,
    `${names.divergence} ${kl.toFixed(4)}, agreement ${agreementPercent.toFixed(1)} %`,
  ].join('\n');
}

/** What came of fitting the blocks again; undefined where there was none to fit. */
export function renderRefitted(
  refitted: RefittedModel | undefined,
  names: MeasureNames = measureNames(),
): string {
  if (refitted === undefined) return "Not refitted: every block is the teacher's own.";
  const { descendants, images, before, after } = refitted;
  const of = ({ kl, agreementPercent }: typeof before) =>
    `${names.divergence} ${kl.toFixed(4)}, agreement ${agreementPercent.toFixed(1)} %`;
  const count = (value: number) => value.toLocaleString('en-US');
  const outcome =
    descendants.length === 0
      ? "The library's weights are kept: they are nearer to the teacher"
      : `fc2 of ${descendants.length} blocks fitted again`;
  return [
    `${outcome} (${count(images.training)} images of ${images.from === 'folder' ? 'the folder' : 'the calibration split'}).`,
    `On ${count(images.heldOut)} others: ${of(before)} before, ${of(after)} after.`,
  ].join('\n');
}

/** That a model whose scores the library has is taken instead: its widths by block, and what it takes. */
export function renderNearer(
  library: Library,
  { name, composition, measured }: RecordedModel,
  kl: number,
  teacher: Composition,
): string {
  const sizes = resources.flatMap((resource) => {
    const [own, whole] = [composition[resource], teacher[resource]];
    return own === null || whole === null
      ? []
      : [
          `${resourceTitles[resource]} ${formatAmount(resource, own)} (${((100 * own) / whole).toFixed(1)} %)`,
        ];
  });
  const widths = composition.descendants.map((id) => library.descendant(id).width).join(' ');
  const { divergence, top1 } = measureNames(library.manifest.teacher.measure?.kind);
  return [
    `Measured whole, the library's model "${name}" is nearer to the teacher: ${divergence} ${measured.kl.toFixed(4)} instead of ${kl.toFixed(4)}.`,
    `It keeps to the limits and is taken: widths ${widths}, predicted to lose ${composition.predictedDropPp.toFixed(2)} pp of ${top1}.`,
    `The table above is of the model that is not taken. This one, and its share of the teacher: ${sizes.join(', ')}.`,
  ].join('\n');
}
