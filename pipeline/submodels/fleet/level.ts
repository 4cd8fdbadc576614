/** One size that a sub-model may have. */
export interface Level {
  /** Share of every dimension of the teacher, in (0, 1]. */
  readonly level: number;
  /** Multiply-adds per image. */
  readonly macs: number;
  /** Weights as float32. */
  readonly sizeBytes: number;
  /** Weights and the largest activations of one image. */
  readonly memoryBytes: number;
}

/** Levels from the largest to the smallest; `macs` and `memoryBytes` fall strictly. */
export type Ladder = readonly Level[];

/** @throws RangeError for a ladder that is empty or does not fall: a bug */
export function requireFalling(ladder: Ladder): void {
  smallestOf(ladder);
  const falls = ladder.every(
    ({ macs, memoryBytes }, i) =>
      i === 0 || (macs < ladder[i - 1]!.macs && memoryBytes < ladder[i - 1]!.memoryBytes),
  );
  if (!falls) throw new RangeError('a ladder of levels that does not fall');
}

/** @throws RangeError for an empty ladder */
export function smallestOf(ladder: Ladder): Level {
  const smallest = ladder.at(-1);
  if (smallest === undefined) throw new RangeError('a ladder without levels');
  return smallest;
}
