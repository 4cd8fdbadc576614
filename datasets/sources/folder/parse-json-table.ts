import { isRecord } from '../../../pipeline/util/foreign-value.ts';

export interface Row {
  readonly cells: readonly string[];
}

/**
 * Rows of `{"file_name": ..., "label": ...}`, one a line (Hugging Face's metadata.jsonl) or in a list, the keys as the first
 * row; or of `{"1.jpg": "cat", ...}`.
 * @returns undefined for other JSON
 */
export function parseJsonTable(text: string, ending: string): Row[] | undefined {
  let value: unknown;
  try {
    const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
    value =
      ending === '.jsonl'
        ? lines.filter((line) => line.trim() !== '').map((line) => JSON.parse(line) as unknown)
        : (JSON.parse(lines.join('\n')) as unknown);
  } catch {
    return undefined;
  }
  if (!Array.isArray(value)) {
    if (!isRecord(value)) return undefined;
    const pairs = Object.entries(value);
    return pairs.every(([, cell]) => isCell(cell))
      ? pairs.map(([key, cell]) => ({ cells: [key.trim(), cellOf(cell)] }))
      : undefined;
  }
  if (value.length === 0 || !value.every(isRecord)) return undefined;
  const keys = Object.keys(value[0] ?? {});
  // Boxes and the like, in cells of their own, are not what an image's class is read from.
  const rows = value.map((row) => ({ cells: keys.map((key) => cellOf(row[key])) }));
  return [{ cells: keys }, ...rows];
}

function isCell(value: unknown): value is string | number | boolean {
  return ['string', 'number', 'boolean'].includes(typeof value);
}

function cellOf(value: unknown): string {
  return isCell(value) ? String(value).trim() : '';
}
