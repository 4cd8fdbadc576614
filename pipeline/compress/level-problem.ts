import * as tf from '@tensorflow/tfjs-core';
import { disposeFfn, ffnHidden, uploadFfn } from '../model/ffn-tensors.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';
import type { Gelu } from '../tensor/ops.ts';
import { sharedTokens, type LevelTokens } from './level-tokens.ts';
import { createStatistics, type BlockStatistics } from './statistics.ts';
import { splitJoint, type Targets } from './targets.ts';
import { rowWeights, type TokenWeights } from './token-weights.ts';

/** The least-squares problem of one descendant: its own hidden units and targets. */
export interface LevelProblem {
  readonly statistics: BlockStatistics;
  readonly targets: Targets;
}

/** The sums behind a `LevelProblem`; (H' + D)^2 numbers, H' of the descendant. */
export interface LevelProblemSums {
  /** The same tokens in the teacher and in the compressed model. Disposes nothing. */
  add(teacher: LevelTokens, own: LevelTokens): void;
  finish(): LevelProblem;
  dispose(): void;
}

export interface LevelProblemOptions {
  readonly gelu: Gelu;
  /** Tokens of an image, the prefix first. */
  readonly sampled: number;
  readonly weights: TokenWeights;
  /** Share of the fit that looks at the model's own inputs; the rest looks at the teacher's. */
  readonly ownShare: number;
}

/**
 * Sums for the best fc2 behind the fc1 of `weights`. The two kinds of inputs are mixed by share, so that a descendant serves
 * in a compressed model and alone.
 */
export function createLevelProblem(
  descendant: FfnWeights,
  { gelu, sampled, weights, ownShare }: LevelProblemOptions,
): LevelProblemSums {
  const sums = createStatistics(descendant.hidden + descendant.width);
  const ffn = uploadFfn(descendant);
  return {
    add(teacher, own) {
      const rows = own.input.shape[0];
      const importance = rowWeights(weights, rows, sampled);
      const parts = sharedTokens(teacher, own, ownShare);
      tf.tidy(() => {
        const together = (key: keyof LevelTokens): tf.Tensor2D =>
          tf.concat(parts.map(({ tokens }) => tokens[key]));
        const hidden = ffnHidden(ffn, together('input'), gelu) as tf.Tensor2D;
        const counted = new Float32Array(parts.length * rows);
        for (const [index, { share }] of parts.entries()) {
          counted.set(
            importance.map((weight) => share * weight),
            index * rows,
          );
        }
        sums.add(tf.concat([hidden, together('target')], 1), counted);
      });
    },
    finish: () => splitJoint(sums.finish(), descendant.hidden),
    dispose() {
      sums.dispose();
      disposeFfn(ffn);
    },
  };
}
