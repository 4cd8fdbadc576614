import { renderTable } from '../../pipeline/terminal/table.ts';
import type { Timing } from './measure.ts';

/** A row of the table in numbers, as `--json` writes it. A type, not an interface, so that it is JSON. */
export type RowResult = {
  readonly title: string;
  /** Repetitions, and runs in each. */
  readonly rounds: number;
  readonly count: number;
  /** Of one run. */
  readonly ours: Timing | null;
  readonly flop: number | null;
  /** The engine's own products at the same shapes. */
  readonly products: { readonly flop: number; readonly timing: Timing } | null;
  readonly peers: readonly PeerResult[];
  /** What both sides came to, where it is to be read: ours first, then the peers'. */
  readonly answers: readonly { readonly name: string; readonly values: readonly number[] }[];
};

export type PeerResult = {
  readonly name: string;
  readonly timing: Timing;
  /** Of its answer from ours, relative; null where we have none. */
  readonly difference: number | null;
  readonly tolerance: number;
};

const columns = [
  { title: '' },
  { title: 'ours', align: 'right' },
  { title: 'against' },
  { title: 'theirs', align: 'right' },
  { title: 'ratio', align: 'right' },
  { title: 'by processor', align: 'right' },
  { title: 'difference', align: 'right' },
  { title: 'products', align: 'right' },
  { title: 'reached', align: 'right' },
] as const;

/** What the columns of `renderRows` are. */
export const legend = [
  'best of several turns; ratio: their time over ours by the clock, then by the processor time of all threads; difference: of the answers,',
  "relative; products: the engine's own matrix products at the same shapes, GFLOP/s; reached: our share of that rate, clock / processor",
] as const;

/** A line for every peer of every row, ours alone where there is none. */
export function renderRows(rows: readonly RowResult[]): string[] {
  const lines = rows.flatMap((row) =>
    row.peers.length === 0
      ? [[...ownCells(row), '', '', '', '', '', ...rateCells(row)]]
      : row.peers.map((peer, index) => {
          const [title, time] = ownCells(row);
          const first = index === 0;
          return [
            ...[first ? title : '', first ? time : ''],
            ...peerCells(row, peer),
            ...(first ? rateCells(row) : ['', '']),
          ];
        }),
  );
  return renderTable(columns, lines);
}

/** What is not the same work, in words. */
export function unequal(rows: readonly RowResult[]): string[] {
  return rows.flatMap(({ title, peers }) =>
    peers
      .filter(({ difference, tolerance }) => difference !== null && !(difference <= tolerance))
      .map(
        ({ name, difference, tolerance }) =>
          `${title}, ${name}: its answer differs by ${small(difference)}, ${small(tolerance)} is allowed`,
      ),
  );
}

/** Answers that have names, ours and then the peers'. */
export function renderAnswers(rows: readonly RowResult[]): string[] {
  return rows
    .filter(({ answers }) => answers.length > 0)
    .map(({ title, answers }) => {
      const each = answers.map(
        ({ name, values }) => `${name} ${values.map((value) => value.toPrecision(4)).join(' / ')}`,
      );
      return `${title}, ours / theirs: ${each.join('; ')}`;
    });
}

function ownCells({ title, ours }: RowResult): [string, string] {
  return [title, ours === null ? '-' : formatSeconds(ours.wallSeconds)];
}

function peerCells({ ours }: RowResult, { name, timing, difference }: PeerResult): string[] {
  const ratio = (key: keyof Timing): string => (ours === null ? '-' : (timing[key] / ours[key]).toFixed(2));
  return [
    name,
    formatSeconds(timing.wallSeconds),
    ratio('wallSeconds'),
    ratio('processorSeconds'),
    small(difference),
  ];
}

function rateCells({ ours, flop, products }: RowResult): string[] {
  if (products === null) return ['', ''];
  const { timing } = products;
  const rate = (products.flop / timing.wallSeconds / 1e9).toFixed(0);
  if (ours === null || flop === null) return [rate, ''];
  const share = (key: keyof Timing): string =>
    ((100 * flop * timing[key]) / (products.flop * ours[key])).toFixed(0);
  return [rate, `${share('wallSeconds')} / ${share('processorSeconds')} %`];
}

/** Three digits: "3.02 ms", "507 ms", "12.3 s". */
export function formatSeconds(seconds: number): string {
  const [value, unit] = seconds < 1 ? [1000 * seconds, 'ms'] : [seconds, 's'];
  return `${value.toPrecision(3)} ${unit}`;
}

function small(value: number | null): string {
  return value === null ? '' : value.toExponential(0);
}
