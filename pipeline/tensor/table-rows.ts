import * as tf from '@tensorflow/tfjs-core';

/**
 * Rows of a table: [M, N] -> [n, N], `index[i]` at place i, rows as often as they are asked for. The gradient is a product with ones and
 * zeros, which every engine has. Caller disposes.
 */
export function tableRows(table: tf.Tensor, index: Int32Array): tf.Tensor {
  const count = table.shape[0];
  return tf.customGrad((...inputs) => {
    const [table] = inputs as [tf.Tensor];
    return {
      value: tf.tidy(() => tf.gatherND(table, tf.tensor2d(index, [index.length, 1], 'int32'))),
      gradFunc: (dy: tf.Tensor) =>
        tf.tidy(() => {
          const chosen = tf.cast(tf.oneHot(tf.tensor1d(index, 'int32'), count), 'float32');
          return tf.matMul(tf.transpose(chosen), dy);
        }),
    };
  })(table);
}
