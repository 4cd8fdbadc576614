/** Ways to number classes where only their folders are known. */
export const folderOrders = ['code-unit', 'natural'] as const;
export type FolderOrder = (typeof folderOrders)[number];

/**
 * - `code-unit`: by UTF-16 code units, the same on every machine; as torchvision's `ImageFolder` sorts
 * - `natural`: numbers by their value and without regard to case, as timm does (`natural_key`, timm/data/readers)
 */
export function inFolderOrder(names: readonly string[], order: FolderOrder): string[] {
  const sorted = [...names].sort(byCodeUnit);
  if (order === 'code-unit') return sorted;
  return sorted
    .map((name) => ({ name, parts: name.toLowerCase().split(/(\d+)/) }))
    .sort((a, b) => byParts(a.parts, b.parts))
    .map(({ name }) => name);
}

export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** Texts at even places, numbers at odd ones. */
function byParts(a: readonly string[], b: readonly string[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const order = i % 2 === 0 ? byCodeUnit(a[i]!, b[i]!) : byValue(a[i]!, b[i]!);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

/** Digits of any length, which numbers would round. */
function byValue(a: string, b: string): number {
  const [one, other] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')];
  return one.length - other.length || byCodeUnit(one, other);
}
