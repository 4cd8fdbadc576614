import * as tf from '@tensorflow/tfjs-core';
import { linear } from './ops.ts';

/** Of a convolution: rows and columns of its kernel, odd, and every how manieth place it is computed at. */
export interface ConvolutionSizes {
  readonly kernel: number;
  readonly stride: number;
}

/**
 * A convolution over zeros around the map, so that `stride` alone divides its size: x [B, H, W, C], weight [k * k * C, out] in the order
 * row, column, channel, bias [out] -> [B, H / stride, W / stride, out]. As shifted copies and one product, because `wasm` has no
 * gradient of a convolution, and a product is recorded as part of one operation elsewhere. Differentiable; caller disposes.
 * @throws RangeError where the stride does not divide the map
 */
export function convolve(
  x: tf.Tensor4D,
  weight: tf.Tensor,
  bias: tf.Tensor,
  { kernel, stride }: ConvolutionSizes,
): tf.Tensor4D {
  const [batch, height, width] = x.shape;
  const [rows, columns] = [height / stride, width / stride];
  if (!Number.isInteger(rows) || !Number.isInteger(columns)) {
    throw new RangeError(`a map of ${height} x ${width} is not divided by a stride of ${stride}`);
  }
  const around = (kernel - 1) / 2;
  return tf.tidy(() => {
    const padded = tf.pad4d(x, [
      [0, 0],
      [around, around],
      [around, around],
      [0, 0],
    ]);
    const across = shifted(padded, 2, kernel, stride, columns);
    const patches = shifted(across, 1, kernel, stride, rows);
    const flat = tf.reshape(patches, [batch, rows * columns, -1]);
    return tf.reshape(linear(flat, weight, bias), [batch, rows, columns, -1]);
  });
}

/** Side by side in the last axis, for each of `kernel` starts along an axis, every `stride`th entry: `count` of them. */
function shifted(x: tf.Tensor4D, axis: 1 | 2, kernel: number, stride: number, count: number): tf.Tensor4D {
  const copies = Array.from({ length: kernel }, (_, start) => every(x, axis, start, stride, count));
  return tf.concat(copies, 3);
}

/** Entries start, start + stride, ... along an axis; behind the last one lies a whole stride, or its start is too late. */
function every(x: tf.Tensor4D, axis: 1 | 2, start: number, stride: number, count: number): tf.Tensor4D {
  const [batch, rows, columns, channels] = x.shape;
  const length = stride * count;
  if (axis === 1) {
    const part = tf.slice4d(x, [0, start, 0, 0], [batch, length, columns, channels]);
    if (stride === 1) return part;
    return tf.reshape(firsts(part, [batch, count, stride, columns * channels]), [
      batch,
      count,
      columns,
      channels,
    ]);
  }
  const part = tf.slice4d(x, [0, 0, start, 0], [batch, rows, length, channels]);
  if (stride === 1) return part;
  return tf.reshape(firsts(part, [batch * rows, count, stride, channels]), [batch, rows, count, channels]);
}

/** Of the entries of the third axis, so grouped, the first. */
function firsts(x: tf.Tensor4D, groups: [number, number, number, number]): tf.Tensor {
  return tf.slice(tf.reshape(x, groups), [0, 0, 0, 0], [-1, -1, 1, -1]);
}
