/** What a row is sorted by: numbers before words, what is missing last in either direction. */
export type SortKey = number | string | undefined;

/** @param text what a cell shows, or its `data-value` */
export function sortKey(text: string): SortKey {
  const trimmed = text.trim();
  if (trimmed === '') return undefined;
  const number = Number(trimmed);
  return Number.isNaN(number) ? trimmed : number;
}

const words = new Intl.Collator('en', { numeric: true });

/** @returns the order of the rows, as their places; equal ones stay as they were */
export function sortedOrder(
  keys: readonly SortKey[],
  direction: 'ascending' | 'descending',
): readonly number[] {
  const sign = direction === 'ascending' ? 1 : -1;
  return keys
    .map((key, place) => ({ key, place }))
    .sort((a, b) => compare(a.key, b.key, sign) || a.place - b.place)
    .map(({ place }) => place);
}

function compare(a: SortKey, b: SortKey, sign: number): number {
  if (a === undefined || b === undefined) return Number(a === undefined) - Number(b === undefined);
  if (typeof a === 'number' && typeof b === 'number') return sign * (a - b);
  if (typeof a === 'string' && typeof b === 'string') return sign * words.compare(a, b);
  return typeof a === 'number' ? -sign : sign;
}

/** Whether a row has all the words that are looked for. */
export function hasWords(row: string, looked: string): boolean {
  const text = row.toLowerCase();
  return looked
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
