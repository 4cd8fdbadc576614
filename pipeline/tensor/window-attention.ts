import * as tf from '@tensorflow/tfjs-core';
import { product, sumRows } from './ops.ts';

/**
 * Multi-head scaled dot-product attention with a bias on the scores, `softmax(q k' / sqrt(d) + bias) v`, over groups of tokens.
 * q, k, v: [B W, h, N, d], the W groups of an image one after the other; bias: [W, h, N, N], or [1, h, N, N] for all groups
 * -> [B W, h, N, d]. Differentiable; caller disposes. As `attention` in `ops.ts`.
 */
export function biasedAttention(q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  return tf.customGrad((...inputs) => {
    const [q, k, v, bias, save] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const scale = 1 / Math.sqrt(q.shape[3] as number);
    const scaled = tf.mul(q, scale);
    const scores = product(scaled, k, false, true);
    // As one long row per image, the bias is added in one pass and its gradient is a sum over rows.
    const biased = tf.add(tf.reshape(scores, [-1, bias.size]), tf.reshape(bias, [bias.size]));
    const weights = tf.softmax(tf.reshape(biased, scores.shape));
    const value = product(weights, v);
    save([scaled, k, v, weights, value]);
    return {
      value,
      gradFunc(dy: tf.Tensor, saved: tf.Tensor[]) {
        const [scaled, k, v, weights, value] = saved as [
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
          tf.Tensor,
        ];
        const dWeights = product(dy, v, false, true);
        const dScores = tf.mul(weights, tf.sub(dWeights, tf.sum(tf.mul(dy, value), 3, true)));
        const dBias = tf.reshape(sumRows(tf.reshape(dScores, [-1, bias.size])), bias.shape);
        const dQ = tf.mul(product(dScores, k), scale);
        return [dQ, product(dScores, scaled, true), product(weights, dy, true), dBias];
      },
    };
  })(q, k, v, bias);
}

/**
 * Columns of a table: [h, M] -> [h, n], `index[i]` at place i, columns as often as they are asked for. The gradient is a product with
 * ones and zeros, which every engine has. Caller disposes.
 */
export function takeColumns(table: tf.Tensor, index: Int32Array): tf.Tensor {
  const count = table.shape[1]!;
  return tf.customGrad((...inputs) => {
    const [table] = inputs as [tf.Tensor];
    return {
      // By entries: the other gathering reads its places back to the host, which a recorded function cannot.
      value: tf.tidy(() =>
        tf.transpose(tf.gatherND(tf.transpose(table), tf.tensor2d(index, [index.length, 1], 'int32'))),
      ),
      gradFunc: (dy: tf.Tensor) =>
        tf.tidy(() => {
          const chosen = tf.cast(tf.oneHot(tf.tensor1d(index, 'int32'), count), 'float32');
          return tf.matMul(dy, chosen);
        }),
    };
  })(table);
}

/** What keeps tokens of different groups apart in a softmax: ids [W, N] -> [W, 1, N, N], 0 where both are equal and `-strength` elsewhere. */
export function apart(ids: readonly Int32Array[], strength: number): tf.Tensor {
  const [windows, tokens] = [ids.length, ids[0]!.length];
  return tf.tidy(() => {
    const all = tf.tensor2d(Float32Array.from(ids.flatMap((own) => [...own])), [windows, tokens]);
    const difference = tf.sub(
      tf.reshape(all, [windows, 1, tokens, 1]),
      tf.reshape(all, [windows, 1, 1, tokens]),
    );
    return tf.mul(tf.minimum(tf.square(difference), 1), -strength);
  });
}
