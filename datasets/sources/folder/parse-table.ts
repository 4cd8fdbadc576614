import { parseJsonTable, type Row } from './parse-json-table.ts';

/**
 * Rows of cells of a table of labels.
 * @param ending of its name
 * @returns undefined for JSON that is no table
 */
export function parseTable(text: string, ending: string): readonly Row[] | undefined {
  return ending === '.json' || ending === '.jsonl' ? parseJsonTable(text, ending) : parseTextTable(text);
}

/** Rows of cells of a text table: tabs, commas or semicolons (with quotes), else white space. Empty lines are left out. */
function parseTextTable(text: string): Row[] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r\n|\n|\r/);
  const first = lines.find((line) => line.trim() !== '') ?? '';
  const separator = ['\t', ',', ';'].find((mark) => first.includes(mark));
  return lines.flatMap((line) => {
    if (line.trim() === '') return [];
    const cells = separator === undefined ? line.trim().split(/\s+/) : splitQuoted(line, separator);
    return [{ cells: cells.map((cell) => cell.trim()) }];
  });
}

/** `a,"b, c","say ""x"""` -> a | b, c | say "x". A line break inside quotes is not understood. */
function splitQuoted(line: string, separator: string): string[] {
  if (!line.includes('"')) return line.split(separator);
  const cells: string[] = [];
  let cell = '';
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const mark = line[i]!;
    if (mark === '"') {
      if (quoted && line[i + 1] === '"') {
        cell += mark;
        i++;
      } else quoted = !quoted;
    } else if (mark === separator && !quoted) {
      cells.push(cell);
      cell = '';
    } else cell += mark;
  }
  return [...cells, cell];
}
