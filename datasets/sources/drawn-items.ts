import type { Item, Origin } from '../contract.ts';

/** Of drawn images one in six is a test image. */
export function countTestImages(images: number): number {
  return Math.floor(images / 6);
}

/** The images of a source that draws them, by part; their classes take turns, so that they are balanced. */
export function drawnItems(
  images: number,
  classes: readonly string[],
): { readonly train: readonly Item[]; readonly test: readonly Item[] } {
  const tests = countTestImages(images);
  const list = (origin: Origin, length: number): Item[] =>
    Array.from({ length }, (_, index) => ({
      id: `${origin}:${String(index).padStart(5, '0')}`,
      label: index % classes.length,
      origin,
    }));
  return { train: list('train', images - tests), test: list('test', tests) };
}
