/**
 * Residual streams in 16 bits: a whole number per value and a scale per token. A number is the square root of the value's
 * share of the largest magnitude of its token, with the value's sign:
 *
 *     q = sign(x) round(32767 sqrt(|x| / m)),   x' = m sign(q) (q / 32767)^2,   m = max |x| of the token
 *
 * so |x' - x| <= sqrt(m |x|) / 32767 (and m / 32767^2 / 4 near zero). Tokens of trained ViTs carry single activations of
 * 1,000 beside values of 1: in equal steps those would keep 6 bits, so they keep 10, what float16 gives them, without
 * float16's overflow, and without a type that engines and Node do not have.
 */
import * as tf from '@tensorflow/tfjs-core';

/** On the host. */
export interface PackedStream {
  /** [rows, D] */
  readonly values: Int16Array;
  /** [rows]: the largest magnitude of each token. */
  readonly scales: Float32Array;
}

/** On the engine: int32 [rows, D] and float32 [rows, 1]. A type, so that a tidy knows its tensors. */
export type PackedTensors = {
  readonly values: tf.Tensor2D;
  readonly scales: tf.Tensor2D;
};

const STEPS = 32767;

/** x [rows, D]. Caller disposes. */
export function pack(x: tf.Tensor2D): PackedTensors {
  return tf.tidy(() => {
    const scales: tf.Tensor2D = tf.max(tf.abs(x), 1, true);
    // Zeros alone have no scale: they come back as zeros by any.
    const squares = tf.mul(x, tf.div(STEPS ** 2, tf.maximum(scales, 1e-20)));
    const values: tf.Tensor2D = tf.mul(tf.sign(x), tf.sqrt(tf.abs(squares)));
    return { values: tf.cast(tf.round(values), 'int32'), scales };
  });
}

/** [rows, D]. Caller disposes. */
export function unpack({ values, scales }: PackedTensors): tf.Tensor2D {
  return tf.tidy(() => {
    const roots = tf.cast(values, 'float32');
    return tf.mul(tf.mul(roots, tf.abs(roots)), tf.mul(scales, 1 / STEPS ** 2));
  });
}

/** Disposes nothing. */
export async function downloadPacked({ values, scales }: PackedTensors): Promise<PackedStream> {
  return {
    values: Int16Array.from(await values.data<'int32'>()),
    scales: (await scales.data<'float32'>()).slice(),
  };
}

/** Caller disposes. */
export function uploadPacked({ values, scales }: PackedStream): PackedTensors {
  const rows = scales.length;
  return {
    values: tf.tensor2d(Int32Array.from(values), [rows, values.length / rows], 'int32'),
    scales: tf.tensor2d(scales, [rows, 1]),
  };
}
