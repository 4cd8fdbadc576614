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

/** Entries start, start + stride, ... along an axis. */
function every(x: tf.Tensor4D, axis: 1 | 2, start: number, stride: number, count: number): tf.Tensor4D {
  // At the last start less than a whole stride may follow the last entry.
  const length = x.shape[axis] as number;
  const end = Math.min(length, start + stride * count);
  const [begin, size] = [[0, 0, 0, 0], [...x.shape]] as [number[], number[]];
  begin[axis] = start;
  size[axis] = end - start;
  const part = tf.slice4d(
    x,
    begin as [number, number, number, number],
    size as [number, number, number, number],
  );
  if (stride === 1) return part;
  const missing = stride * count - (end - start);
  const [batch, rows, columns, channels] = x.shape;
  const pads: [number, number][] = [0, 1, 2, 3].map((one) => [0, one === axis ? missing : 0]);
  const whole = missing === 0 ? part : tf.pad(part, pads);
  if (axis === 1) {
    const groups = tf.reshape(whole, [batch, count, stride, columns * channels]);
    const first = tf.slice(groups, [0, 0, 0, 0], [-1, -1, 1, -1]);
    return tf.reshape(first, [batch, count, columns, channels]);
  }
  const groups = tf.reshape(whole, [batch * rows, count, stride, channels]);
  const first = tf.slice(groups, [0, 0, 0, 0], [-1, -1, 1, -1]);
  return tf.reshape(first, [batch, rows, count, channels]);
}
