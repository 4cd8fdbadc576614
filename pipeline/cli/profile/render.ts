import { doubtfulPercent, profileDescription } from '../../profile/latency.ts';
import type { Profile, ProfileBatch } from '../../profile/profile-file.ts';
import { renderTable, type Column } from '../../terminal/table.ts';
import type { Paint } from '../../terminal/terminal.ts';
import { wrapTo } from '../../terminal/width.ts';
import { known } from '../../util/known.ts';

/** A profile as tables: the parts of every batch size, whole models, and how well parts add up to them. */
export function renderProfile(profile: Profile, paint: Paint, columns = Infinity): string {
  const { warmup, iterations, batches } = profile;
  return [
    paint.bold(profileDescription(profile)),
    `milliseconds for one batch, over ${iterations} rounds after ${warmup} that warmed up`,
    ...batches.flatMap((batch) => ['', ...renderBatch(batch, paint, columns)]),
  ].join('\n');
}

const partColumns: readonly Column[] = [
  { title: 'part' },
  { title: 'p50', align: 'right' },
  { title: 'p90', align: 'right' },
  { title: 'p50, last block', align: 'right' },
  { title: 'p90', align: 'right' },
];

const modelColumns: readonly Column[] = [
  { title: 'whole model' },
  { title: 'frame + blocks', align: 'right' },
  { title: 'calibrated', align: 'right' },
  { title: 'p50', align: 'right' },
  { title: 'p90', align: 'right' },
];

function renderBatch(
  { batchSize, frame, widths, lastWidths, composed, calibration }: ProfileBatch,
  paint: Paint,
  columns: number,
): string[] {
  const last = new Map(lastWidths.map((item) => [item.width, item]));
  const { scale, offsetMs, meanAbsoluteErrorPercent: errors } = calibration;
  const sign = offsetMs < 0 ? '-' : '+';
  const told = (line: string) => wrapTo(line, columns, '  ');
  return [
    paint.bold(`Batch ${batchSize}`),
    '',
    ...renderTable(partColumns, [
      ['frame', ms(frame.p50), ms(frame.p90), '', ''],
      ...widths.map(({ width, blocks, p50, p90 }) => {
        const isLast = blocks?.includes(composed[0]!.widths.length - 1) ?? true;
        const other = isLast ? known(last, width) : undefined;
        const where = blocks === undefined ? '' : ` (${placesText(blocks)})`;
        const times = other === undefined ? ['', ''] : [ms(other.p50), ms(other.p90)];
        return [`block of ${width}${where}`, ms(p50), ms(p90), ...times];
      }),
    ]),
    '',
    ...renderTable(
      modelColumns,
      composed.map(({ widths: chosen, predictedMs, calibratedMs, p50, p90 }) => [
        describeWidths(chosen),
        ms(predictedMs),
        ms(calibratedMs),
        ms(p50),
        ms(p90),
      ]),
    ),
    '',
    ...told(
      `Whole models against frame + blocks: mean error ${errors.before.toFixed(1)} %; calibrated on half of them ` +
        `(${scale.toFixed(3)} x ${sign} ${ms(Math.abs(offsetMs))}) ${errors.after.toFixed(1)} % on the others`,
    ),
    ...(errors.after > doubtfulPercent
      ? told(
          'That is too far off to choose models by: measure again with nothing else running, and more --iterations',
        )
      : []),
  ];
}

/** A profile of the library, or why it cannot be used. */
export type ListedProfile =
  { readonly name: string; readonly profile: Profile } | { readonly name: string; readonly problem: string };

export function renderProfileList(listed: readonly ListedProfile[], folder: string): string {
  if (listed.length === 0) return `No profiles in ${folder}; npm run pipeline -- profile ${folder} makes one`;
  return listed
    .map((item) => {
      if ('problem' in item) return `${item.name}: not usable: ${item.problem}`;
      const { name, profile } = item;
      const sizes = profile.batches.map(({ batchSize }) => batchSize).join(', ');
      return `${name}: ${profileDescription(profile)}; batch sizes ${sizes}`;
    })
    .join('\n');
}

/** `0` or `2-7`: blocks that are alike follow each other. */
function placesText(blocks: readonly number[]): string {
  const [first, last] = [blocks[0], blocks[blocks.length - 1]];
  return first === last ? `${first}` : `${first}-${last}`;
}

function describeWidths(widths: readonly number[]): string {
  const [first] = widths;
  return widths.every((width) => width === first) ? `${first} everywhere` : widths.join(' ');
}

/** Three digits that mean something. */
function ms(value: number): string {
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(3);
}
