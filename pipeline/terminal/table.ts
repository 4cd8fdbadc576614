import { oneLine } from '../util/printable.ts';

export interface Column {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/**
 * Columns two spaces apart under their titles and a rule, in ASCII; a column without any content is left out.
 * Cells are plain text: what is to be coloured is coloured line by line (`paintRow`), so widths stay true.
 */
export function renderTable(
  columns: readonly Column[],
  given: readonly (readonly string[])[],
  paintRow: (line: string, row: number) => string = (line) => line,
): string[] {
  const rows = given.map((row) => row.map(oneLine));
  const shown = columns.map((_, c) => c).filter((c) => rows.some((row) => row[c] !== ''));
  const widths = shown.map((c) => Math.max(columns[c]!.title.length, ...rows.map((row) => row[c]!.length)));
  const line = (cells: readonly string[]): string =>
    shown
      .map((c, i) =>
        columns[c]!.align === 'right' ? cells[c]!.padStart(widths[i]!) : cells[c]!.padEnd(widths[i]!),
      )
      .join('  ')
      .trimEnd();
  return [
    line(columns.map(({ title }) => title)),
    widths.map((width) => '-'.repeat(width)).join('  '),
    ...rows.map((row, i) => paintRow(line(row), i)),
  ];
}
