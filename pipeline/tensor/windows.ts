import * as tf from '@tensorflow/tfjs-core';

/**
 * Tokens of square images by place, with four axes at the most: `wasm` has no fast transpose of five, and gathering is neither
 * differentiable there nor part of a recorded function on `tensorflow`. All are differentiable; callers dispose.
 */
export interface Windows {
  /** Rows, and columns, of an image. */
  readonly side: number;
  /** Rows, and columns, of a window; divides `side`. */
  readonly window: number;
  /** How many rows up and columns left the image is moved first; what leaves on one side comes in on the other. */
  readonly shift: number;
}

/** x [B, side^2, C], row by row -> [B (side / window)^2, window^2, C], window by window, row by row. */
export function toWindows(x: tf.Tensor, { side, window, shift }: Windows): tf.Tensor {
  const [batch, , width] = x.shape as [number, number, number];
  return tf.tidy(() => {
    const moved = rolled(tf.reshape(x, [batch, side, side, width]), shift);
    const rows = tf.reshape(moved, [(batch * side) / window, window, side / window, window * width]);
    return tf.reshape(tf.transpose(rows, [0, 2, 1, 3]), [-1, window ** 2, width]);
  });
}

/** The way back: [B (side / window)^2, window^2, C] -> [B, side^2, C]. */
export function fromWindows(x: tf.Tensor, { side, window, shift }: Windows): tf.Tensor {
  const width = x.shape[2]!;
  return tf.tidy(() => {
    const rows = tf.reshape(x, [-1, side / window, window, window * width]);
    const moved = tf.reshape(tf.transpose(rows, [0, 2, 1, 3]), [-1, side, side, width]);
    return tf.reshape(rolled(moved as tf.Tensor4D, shift === 0 ? 0 : side - shift), [-1, side ** 2, width]);
  });
}

/**
 * Each square of two by two tokens side by side: upper left, lower left, upper right, lower right.
 * x [B, side^2, C] -> [B, side^2 / 4, 4 C]
 */
export function squares(x: tf.Tensor, side: number): tf.Tensor {
  const [batch, tokens, width] = x.shape as [number, number, number];
  const half = side / 2;
  return tf.tidy(() => {
    const rows = tf.reshape(x, [batch * half, 2, half, 2 * width]);
    const each = tf.reshape(tf.transpose(rows, [0, 2, 1, 3]), [-1, 2, 2, width]);
    return tf.reshape(tf.transpose(each, [0, 2, 1, 3]), [batch, tokens / 4, 4 * width]);
  });
}

/** x [B, H, W, C] moved up and left by `count`, around the edges. */
function rolled(x: tf.Tensor4D, count: number): tf.Tensor4D {
  if (count === 0) return x;
  const [batch, height, width, channels] = x.shape;
  const up = tf.concat(
    [
      tf.slice4d(x, [0, count, 0, 0], [batch, height - count, width, channels]),
      tf.slice4d(x, [0, 0, 0, 0], [batch, count, width, channels]),
    ],
    1,
  );
  return tf.concat(
    [
      tf.slice4d(up, [0, 0, count, 0], [batch, height, width - count, channels]),
      tf.slice4d(up, [0, 0, 0, 0], [batch, height, count, channels]),
    ],
    2,
  );
}
