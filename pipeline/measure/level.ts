/**
 * Hidden units kept in every block for the same share removed: what one sparsity means in a model, or the teacher itself.
 * A type, not an interface, so that it is JSON and may stand in a job's settings.
 */
export type Level = {
  /** Of the widest block: the level's name among those of its model. */
  readonly width: number;
  /** By block, where blocks differ. */
  readonly widths?: readonly number[];
};

/** @param widths by block */
export function levelOf(widths: readonly number[]): Level {
  const width = Math.max(...widths);
  return widths.every((one) => one === width) ? { width } : { width, widths };
}

/** Hidden units of a block at a level. */
export function widthIn({ width, widths }: Level, block: number): number {
  return widths === undefined ? width : widths[block]!;
}

/** Hidden units of every block at a level. */
export function widthsAt(level: Level, depth: number): number[] {
  return Array.from({ length: depth }, (_, block) => widthIn(level, block));
}
