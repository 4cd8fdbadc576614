import { fail } from '../util/failure.ts';

/** Where a line has its number; in a table (with a separator) a number is a column of its own. */
const columns = [
  {
    at: 'first',
    any: /^"?(\d{1,9})"?\s*[\s:,:;=|]\s*(\S.*)$/,
    table: /^"?\d{1,9}"?\s*[,;\t|]/,
    number: 1,
    rest: 2,
  },
  {
    at: 'last',
    any: /^(.*\S)\s*[\s:,:;=|]\s*"?(\d{1,9})"?\s*$/,
    table: /[,;\t|]\s*"?\d{1,9}"?\s*$/,
    number: 2,
    rest: 1,
  },
] as const;

/** More than a space is between the number and the label. */
const apart = /^\s*"?\d{1,9}"?\s*[:,;=|\t]|[:,;=|\t]\s*"?\d{1,9}"?\s*$/;

/**
 * "0 daisy", "1 rose", or "daisy,0", "rose,1": the labels alone, where every line is numbered, below a line with the names of
 * the columns or not. Undefined where the numbers belong to the labels: "1 dot", "2 dots", "3 dots" without them are not three.
 * @throws BlockForgeError `file-invalid` where a number in front says another order than the lines, and where a column of
 * numbers is not that of the outputs
 */
export function numberedLines(lines: readonly string[], path: string): string[] | undefined {
  for (const { at, any, table, number, rest } of columns) {
    const isTable = lines.length > 1 && lines.slice(1).every((line) => table.test(line.trim()));
    // The names of the columns number nothing.
    const head = isTable && !any.test(lines[0]!.trim()) ? 1 : 0;
    const body = lines.slice(head);
    const parts = body.map((line) => any.exec(line.trim()));
    if (parts.includes(null)) continue;
    const numbers = parts.map((part) => Number(part?.[number]));
    const labels = parts.map((part) => unquoted(part?.[rest] ?? ''));
    const sorted = [...numbers].sort((a, b) => a - b);
    const start = sorted[0]!;
    if (!(start <= 1) || sorted.some((value, index) => value !== start + index)) {
      if (isTable) {
        refuse(
          path,
          `a ${at} column of numbers from ${start} to ${sorted.at(-1) ?? start} on ${body.length} lines`,
          'the numbers 0, 1, 2, ... of the outputs, each once, or no such column',
        );
      }
      continue;
    }
    // ImageNet has two cranes; "1 dot", "2 dots", "3 dots" are counts.
    const isApart = isTable || body.every((line) => apart.test(line));
    if (!isApart && new Set(labels).size < 0.9 * labels.length) continue;
    if (at === 'last') {
      const placed: string[] = [];
      numbers.forEach((value, index) => (placed[value - start] = labels[index]!));
      return placed;
    }
    const wrong = numbers.findIndex((value, index) => value !== start + index);
    if (wrong >= 0) {
      refuse(
        `${path}:${wrong + head + 1}`,
        `the label numbered ${numbers[wrong]!} on line ${wrong + head + 1}`,
        "the labels in the order of their numbers, which is that of the teacher's outputs",
      );
    }
    return labels;
  }
  return undefined;
}

function unquoted(text: string): string {
  return /^"(?:[^"]|"")*"$/.test(text) ? text.slice(1, -1).replaceAll('""', '"') : text;
}

function refuse(subject: string, found: string, expected: string): never {
  return fail({ reason: 'file-invalid', subject, found, expected, next: 'correct the file' });
}
