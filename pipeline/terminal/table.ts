import { oneLine } from '../util/printable.ts';
import { cutMiddle, cutTo, displayWidth, padTo } from './width.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
  /** Its title where the table is too wide. */
  readonly short?: string | undefined;
  /** Its cells are words that may be cut where the table is too wide, to so many columns at least. */
  readonly least?: number | undefined;
  /** What is cut is their middle: their ends tell them apart. */
  readonly keepsEnd?: boolean | undefined;
  /** Left out where the table is too wide even so: the column with the highest number first. */
  readonly dispensable?: number | undefined;
}

export interface TableOptions {
  /** Colours a whole line. */
  readonly paintRow?: ((line: string, row: number) => string) | undefined;
  /** Of the screen. Default: as many as it takes. */
  readonly columns?: number | undefined;
}

const between = '  ';

/**
 * Columns two spaces apart under their titles and a rule, in ASCII; a column without any content is left out.
 * Cells are plain text: what is to be coloured is coloured line by line (`paintRow`), so widths stay true.
 */
export function renderTable(
  columns: readonly Column[],
  given: readonly (readonly string[])[],
  { paintRow = (line) => line, columns: room = Infinity }: TableOptions = {},
): string[] {
  const rows = given.map((row) => row.map(oneLine));
  const filled = columns
    .map((column, c) => ({ ...column, c }))
    .filter(({ c }) => rows.some((row) => row[c] !== ''));
  const sized = (isShort: boolean): readonly Sized[] =>
    filled.map((column) => {
      const title = isShort ? (column.short ?? column.title) : column.title;
      const width = Math.max(displayWidth(title), ...rows.map((row) => displayWidth(row[column.c]!)));
      return { ...column, shown: title, width };
    });
  const whole = sized(false);
  const shown = widthOf(whole) <= room ? whole : fit(sized(true), room);
  const line = (cellOf: (column: Sized) => string): string =>
    shown
      .map((column) => {
        const { width, align, keepsEnd = false } = column;
        const cell = cellOf(column);
        return padTo(keepsEnd ? cutMiddle(cell, width) : cutTo(cell, width), width, align);
      })
      .join(between)
      .trimEnd();
  return [
    line(({ shown: title }) => title),
    shown.map(({ width }) => '-'.repeat(width)).join(between),
    ...rows.map((row, i) =>
      paintRow(
        line(({ c }) => row[c]!),
        i,
      ),
    ),
  ];
}

/** Which columns `renderTable` would leave out for want of room, by their titles. */
export function droppedColumns(
  columns: readonly Column[],
  rows: readonly (readonly string[])[],
  room: number,
): string[] {
  const titles = (width: number) => renderTable(columns, rows, { columns: width })[0]!;
  const [all, some] = [titles(Infinity), titles(room)];
  return columns.flatMap(({ title, short = title }) =>
    title !== '' && all.includes(title) && !some.includes(title) && !some.includes(short) ? [title] : [],
  );
}

type Sized = Column & { readonly c: number; readonly width: number; readonly shown: string };

/** Cuts first, then drops; what is left may still be too wide. */
function fit(columns: readonly Sized[], room: number): readonly Sized[] {
  const missing = widthOf(columns) - room;
  if (missing <= 0) return columns;
  const slack = columns.reduce((sum, { width, least = width }) => sum + Math.max(0, width - least), 0);
  const [last] = columns
    .filter(({ dispensable }) => dispensable !== undefined)
    .sort((a, b) => (b.dispensable ?? 0) - (a.dispensable ?? 0));
  if (slack < missing && last !== undefined)
    return fit(
      columns.filter((column) => column !== last),
      room,
    );
  let rest = missing;
  return columns.map(({ least, ...column }) => {
    const cut = least === undefined ? 0 : Math.min(rest, Math.max(0, column.width - least));
    rest -= cut;
    return { ...column, width: column.width - cut };
  });
}

function widthOf(columns: readonly Sized[]): number {
  return (
    columns.reduce((sum, { width }) => sum + width, 0) + between.length * Math.max(0, columns.length - 1)
  );
}
