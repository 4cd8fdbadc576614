import * as tf from '@tensorflow/tfjs-core';
import { createStatistics, mergeStatistics, type BlockStatistics } from './statistics.ts';
import { visitLevels, type Streams } from './streams.ts';
import { splitJoint, type Targets } from './targets.ts';
import { rowWeights, type TokenWeights } from './token-weights.ts';

/** The least-squares problem of one width: hidden units and targets, over teacher inputs and its own level's. */
export interface FitProblem {
  readonly statistics: BlockStatistics;
  readonly targets: Targets;
}

export interface ComposedOptions {
  /** Sampled tokens per image, the prefix first. */
  readonly sampled: number;
  readonly weights: TokenWeights;
  /** Share of the fit that looks at the level's own inputs; the rest looks at the teacher's. */
  readonly ownShare: number;
}

/**
 * Statistics of block `block` for every width, from its streams: one problem per level above the teacher's. The two kinds
 * of inputs are mixed by share, not by count, so that a descendant serves in a compressed model and alone.
 * `isUsed` says which batches to use (the others are held out); `rowsOf` as in `visitLevels`.
 */
export async function composedProblems(
  streams: Streams,
  block: number,
  rowsOf: (batch: number) => Int32Array,
  isUsed: (batch: number) => boolean,
  { sampled, weights, ownShare }: ComposedOptions,
  onTokens: Parameters<typeof visitLevels>[3] = () => undefined,
): Promise<FitProblem[]> {
  const { hidden, width } = streams.model.architecture;
  const accumulators = Array.from({ length: streams.levels }, () => createStatistics(hidden + width));
  try {
    await visitLevels(streams, block, rowsOf, (level, tokens, batch) => {
      onTokens(level, tokens, batch);
      if (!isUsed(batch)) return;
      const rows = tokens.hidden.shape[0];
      accumulators[level]!.add(
        tf.concat([tokens.hidden, tokens.target], 1),
        rowWeights(weights, rows, sampled),
      );
    });
    const levels = accumulators.map((accumulator) => accumulator.finish());
    const teacher = levels[0]!;
    return levels.slice(1).map((level) => {
      const mixed = mergeStatistics(
        { ...teacher, count: teacher.count * (1 - ownShare) },
        { ...level, count: level.count * ownShare },
      );
      return splitJoint(mixed, hidden);
    });
  } finally {
    for (const accumulator of accumulators) accumulator.dispose();
  }
}
