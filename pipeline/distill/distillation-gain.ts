import type { Look } from './task.ts';

/** The training of one block, as it was recorded. */
export interface DistilledBlock {
  /** Held-out error each descendant started from, measured on the tokens of the looks; null: its refit was kept. */
  readonly refitErrors: readonly (number | null)[];
  readonly looks: readonly Look[];
}

export interface DistillationGain {
  readonly blocks: number;
  /** Training and looks, summed over the blocks. */
  readonly seconds: number;
  readonly points: readonly {
    /** Of every block's own time. */
    readonly timeShare: number;
    readonly seconds: number;
    /** Per descendant, widest first: the share of the refit's held-out error that is gone, mean over blocks, in [0, 1]. */
    readonly removed: readonly number[];
  }[];
}

const timeShares = [0.1, 0.25, 0.5, 0.75, 1];

/**
 * What distillation gained over the time it took. A block stands at its lowest error so far, because the best weights are
 * what is kept; between two looks it is on the straight line from one to the other. A kept refit gained nothing.
 * The learning rate decays over the whole training: a shorter one ends better than this curve at the same time.
 *
 * @returns undefined where no block was trained
 */
export function distillationGain(trained: readonly DistilledBlock[]): DistillationGain | undefined {
  const blocks = trained.filter(({ looks }) => looks.length > 0);
  if (blocks.length === 0) return undefined;
  const seconds = blocks.reduce((sum, { looks }) => sum + looks[looks.length - 1]!.seconds, 0);
  const points = timeShares.map((timeShare) => ({
    timeShare,
    seconds: timeShare * seconds,
    removed: blocks[0]!.refitErrors.map(
      (_, index) =>
        blocks.reduce((sum, block) => sum + removedAt(block, index, timeShare), 0) / blocks.length,
    ),
  }));
  return { blocks: blocks.length, seconds, points };
}

function removedAt({ refitErrors, looks }: DistilledBlock, index: number, timeShare: number): number {
  const refitError = refitErrors[index] ?? null;
  if (refitError === null) return 0;
  const at = timeShare * looks[looks.length - 1]!.seconds;
  let before = { seconds: 0, error: refitError };
  for (const { seconds, errors } of looks) {
    const next = { seconds, error: Math.min(before.error, errors[index]!) };
    if (at <= seconds) {
      const passed = seconds === before.seconds ? 1 : (at - before.seconds) / (seconds - before.seconds);
      return 1 - (before.error + passed * (next.error - before.error)) / refitError;
    }
    before = next;
  }
  return 1 - before.error / refitError;
}
