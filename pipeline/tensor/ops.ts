/**
 * The differentiable operations of a ViT, each running (forward and gradient) on every engine.
 *
 * Engine facts shape this file. On `wasm` only a product of two plain matrices is fast: transpose flags cost 10-45x,
 * batches 8x; there is no einsum, and gather has no gradient. On `tensorflow` the flags are free, but a sum over the
 * first axis takes three times as long as the same sum written as a product with ones (fifty times on `wasm`).
 */
import * as tf from '@tensorflow/tfjs-core';
import { fusedLayerNorm, fusedProduct, isFusedGelu, preciseProduct } from './recorded/fused.ts';

export type Gelu = 'exact' | 'tanh' | 'quick' | 'silu' | 'relu';

/** [..., M, K] x [..., K, N] after the transpositions asked for, in the precision of the moment. Differentiable; caller disposes. */
export function matMul(a: tf.Tensor, b: tf.Tensor, transposeA = false, transposeB = false): tf.Tensor {
  return preciseProduct(a, b, transposeA, transposeB, (a, b) => tf.matMul(a, b, transposeA, transposeB));
}

/**
 * [..., M, K] x [..., K, N] after the transpositions asked for, for use inside hand-written gradients: on `wasm` it
 * has no gradient of its own. There, transpositions are made explicit, and larger matrices of a batch are multiplied
 * one by one. Run inside a tidy.
 */
export function product(a: tf.Tensor, b: tf.Tensor, transposeA = false, transposeB = false): tf.Tensor {
  if (tf.getBackend() !== 'wasm') return matMul(a, b, transposeA, transposeB);
  const left = transposeA ? swapLastAxes(a) : a;
  const right = transposeB ? swapLastAxes(b) : b;
  const [rows, inner] = left.shape.slice(-2) as [number, number];
  const columns = right.shape[right.rank - 1]!;
  if (left.rank === 2 || rows * inner * columns < oneByOneMacs) return tf.matMul(left, right);
  const others = matrices(right);
  const results = matrices(left).map((matrix, i) => tf.matMul(matrix, others[i]!));
  return tf.reshape(tf.stack(results), [...left.shape.slice(0, -1), columns]);
}

/**
 * Below this, the 80 microseconds that preparing each product costs are more than `wasm`'s batched kernel wastes (it
 * takes 2.2 ns per multiply-add, eight times as long as a single product).
 */
const oneByOneMacs = 40_000;

/** The matrices of a batch as tensors. By way of the host, because every slice on `wasm` first copies its source. */
function matrices(x: tf.Tensor): tf.Tensor2D[] {
  const [rows, columns] = x.shape.slice(-2) as [number, number];
  const size = rows * columns;
  const values = x.dataSync();
  return Array.from({ length: x.size / size }, (_, i) =>
    tf.tensor2d(values.subarray(i * size, (i + 1) * size), [rows, columns]),
  );
}

function swapLastAxes(x: tf.Tensor): tf.Tensor {
  const axes = x.shape.map((_, axis) => axis);
  [axes[x.rank - 2], axes[x.rank - 1]] = [x.rank - 1, x.rank - 2];
  return tf.transpose(x, axes);
}

/** [N, D] -> [D], the sum over the rows, as a product with ones. */
export function sumRows(x: tf.Tensor): tf.Tensor {
  return tf.reshape(tf.matMul(tf.ones([1, x.shape[0]]), x as tf.Tensor2D), [x.shape[1] as number]);
}

/** Rows of the last axis: [..., D] -> [N, D]. */
function asRows(x: tf.Tensor): tf.Tensor2D {
  return x.rank === 2 ? (x as tf.Tensor2D) : tf.reshape(x, [-1, x.shape[x.rank - 1]!]);
}

/** x [N, D] + bias [D]. Differentiable; caller disposes. */
export function addBias(x: tf.Tensor, bias: tf.Tensor): tf.Tensor {
  return biasAdded(x, bias);
}

const biasAdded = tf.customGrad((x, bias) => ({
  value: tf.add(x as tf.Tensor, bias as tf.Tensor),
  gradFunc: (dy: tf.Tensor) => [tf.reshape(dy, dy.shape), sumRows(dy)],
}));

/** `x kernel + bias`. x: [N, in] or [B, T, in]; kernel: [in, out]; bias: [out]. Differentiable; caller disposes. */
export function linear(x: tf.Tensor, kernel: tf.Tensor, bias?: tf.Tensor): tf.Tensor {
  return tf.tidy(() => {
    const rows = asRows(x);
    if (bias === undefined) return likeRows(matMul(rows, kernel), x);
    const plain = (): tf.Tensor => addBias(matMul(rows, kernel), bias);
    return likeRows(fusedProduct(rows, kernel, bias, undefined, plain), x);
  });
}

/** `GELU(x kernel + bias)`, shapes as `linear`. Differentiable; caller disposes. */
export function linearGelu(x: tf.Tensor, kernel: tf.Tensor, bias: tf.Tensor, kind: Gelu): tf.Tensor {
  return tf.tidy(() => {
    if (!isFusedGelu(kind)) return gelu(linear(x, kernel, bias), kind);
    const rows = asRows(x);
    const plain = (): tf.Tensor => gelu(addBias(matMul(rows, kernel), bias), kind);
    return likeRows(fusedProduct(rows, kernel, bias, kind, plain), x);
  });
}

/** A kernel [in, out] and its bias [out]. */
export type Layer = readonly [kernel: tf.Tensor, bias: tf.Tensor];

/**
 * `act(x Kg + bg) (x K + b)`, both layers of the same shapes; x as `linear` has it. Differentiable; caller disposes.
 * (Shazeer, "GLU variants improve Transformer", 2020.)
 */
export function gatedLinear(x: tf.Tensor, value: Layer, gate: Layer, kind: Gelu): tf.Tensor {
  return tf.tidy(() => tf.mul(linearGelu(x, ...gate, kind), linear(x, ...value)));
}

/** [N, out] -> [..., out], in the form of x [..., in]. */
function likeRows(rows: tf.Tensor, x: tf.Tensor): tf.Tensor {
  return x.rank === 2 ? rows : tf.reshape(rows, [...x.shape.slice(0, -1), rows.shape[1] as number]);
}

/**
 * exact: `x Phi(x)` with the normal distribution function, by erf. With u = x / sqrt(2) the derivative is
 * `Phi + u exp(-u^2) / sqrt(pi)`, six passes over memory.
 */
const geluExact = tf.customGrad((x, save) => {
  const u = tf.mul(x as tf.Tensor, Math.SQRT1_2);
  const phi = tf.add(tf.mul(tf.erf(u), 0.5), 0.5);
  (save as tf.GradSaveFunc)([u, phi]);
  return {
    value: tf.mul(x as tf.Tensor, phi),
    gradFunc(dy: tf.Tensor, saved: tf.Tensor[]) {
      const [u, phi] = saved as [tf.Tensor, tf.Tensor];
      const density = tf.exp(tf.sub(-0.5 * Math.log(Math.PI), tf.square(u)));
      return tf.mul(dy, tf.add(tf.mul(density, u), phi));
    },
  };
});

/** tanh (Hendrycks & Gimpel 2016): `x s` with `s = sigmoid(x (a + b x^2))`, the same number with fewer passes. */
const tanhSlope = 2 * Math.sqrt(2 / Math.PI);
const tanhCubic = 0.044715 * tanhSlope;
const geluTanh = tf.customGrad((x, save) => {
  const squared = tf.square(x as tf.Tensor);
  const s = tf.sigmoid(tf.mul(x as tf.Tensor, tf.add(tf.mul(squared, tanhCubic), tanhSlope)));
  const value = tf.mul(x as tf.Tensor, s);
  (save as tf.GradSaveFunc)([squared, s, value]);
  return {
    value,
    gradFunc(dy: tf.Tensor, saved: tf.Tensor[]) {
      const [squared, s, value] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
      const slope = tf.add(tf.mul(squared, 3 * tanhCubic), tanhSlope);
      return tf.mul(dy, tf.add(tf.mul(tf.mul(slope, value), tf.sub(1, s)), s));
    },
  };
});

/** quick and silu (Hendrycks & Gimpel 2016): `x s` with `s = sigmoid(a x)`, a = `slope`; the derivative is `s + a x s (1 - s)`. */
const sigmoidGelu = (slope: number) =>
  tf.customGrad((x, save) => {
    const s = tf.sigmoid(slope === 1 ? (x as tf.Tensor) : tf.mul(x as tf.Tensor, slope));
    const value = tf.mul(x as tf.Tensor, s);
    (save as tf.GradSaveFunc)([s, value]);
    return {
      value,
      gradFunc(dy: tf.Tensor, saved: tf.Tensor[]) {
        const [s, value] = saved as [tf.Tensor, tf.Tensor];
        const steep = slope === 1 ? value : tf.mul(value, slope);
        return tf.mul(dy, tf.add(tf.mul(steep, tf.sub(1, s)), s));
      },
    };
  });

const relu = tf.customGrad((x, save) => {
  const value = tf.relu(x as tf.Tensor);
  (save as tf.GradSaveFunc)([value]);
  return {
    value,
    gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.mul(dy, tf.cast(tf.greater(saved[0]!, 0), 'float32')),
  };
});

const gelus = { exact: geluExact, tanh: geluTanh, quick: sigmoidGelu(1.702), silu: sigmoidGelu(1), relu };

/** GELU of any shape. Differentiable; caller disposes. */
export function gelu(x: tf.Tensor, kind: Gelu): tf.Tensor {
  return gelus[kind](x);
}

/**
 * `(x - mean) / sqrt(variance + epsilon) * gamma + beta` over the last axis. x: [..., D]; gamma, beta: [D].
 * Differentiable; caller disposes.
 */
export function layerNorm(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: number): tf.Tensor {
  return tf.tidy(() => {
    const rows = asRows(x);
    const plain = (): tf.Tensor => normalised(rows, gamma, beta, epsilon);
    return tf.reshape(fusedLayerNorm(rows, gamma, beta, epsilon, plain), x.shape);
  });
}

function normalised(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: number): tf.Tensor {
  const width = x.shape[1] as number;
  return tf.customGrad((...inputs) => {
    const [rows, scale, shift, save] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor, tf.GradSaveFunc];
    const centred = tf.sub(rows, tf.mean(rows, 1, true));
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), 1, true), epsilon));
    const unit = tf.mul(centred, inverse);
    save([unit, inverse, scale]);
    return {
      value: tf.add(tf.mul(unit, scale), shift),
      gradFunc(dy: tf.Tensor, saved: tf.Tensor[]) {
        const [unit, inverse, scale] = saved as [tf.Tensor, tf.Tensor, tf.Tensor];
        const column = tf.reshape(tf.div(scale, width), [width, 1]);
        const along = tf.mul(dy, unit);
        const meanAlong = tf.matMul(along, column);
        const mean = tf.matMul(dy, column);
        const inner = tf.sub(tf.sub(tf.mul(dy, scale), mean), tf.mul(unit, meanAlong));
        return [tf.mul(inner, inverse), sumRows(along), sumRows(dy)];
      },
    };
  })(x, gamma, beta);
}

/**
 * [B, T, 3D] -> q, k, v as [B, h, T, d] each, by one transpose and contiguous slices. `wasm` has no fast transpose of
 * five axes, so there the slices are less contiguous. Differentiable; caller disposes.
 */
export function splitHeads(qkv: tf.Tensor, heads: number): [tf.Tensor, tf.Tensor, tf.Tensor] {
  const [batch, tokens, tripled] = qkv.shape as [number, number, number];
  const size = tripled / (3 * heads);
  return tf.tidy(() => {
    if (tf.getBackend() !== 'wasm') {
      const parts = tf.reshape(qkv, [batch, tokens, 3, heads, size]);
      return tf.unstack(tf.transpose(parts, [2, 0, 3, 1, 4])) as [tf.Tensor, tf.Tensor, tf.Tensor];
    }
    const rows = tf.reshape(qkv, [batch, tokens, 3 * heads, size]);
    return tf.split(tf.transpose(rows, [0, 2, 1, 3]), 3, 1) as [tf.Tensor, tf.Tensor, tf.Tensor];
  });
}

/** [B, h, T, d] -> [B, T, h * d]. Caller disposes. */
export function mergeHeads(x: tf.Tensor): tf.Tensor {
  const [batch, heads, tokens, size] = x.shape as [number, number, number, number];
  return tf.tidy(() => tf.reshape(tf.transpose(x, [0, 2, 1, 3]), [batch, tokens, heads * size]));
}

/**
 * Cuts images into patches, row by row: pixels [B, S, S, C] -> [B, N, patch * patch * C], N = (S / patch)^2.
 * Within a patch the order is row, column, channel; a convolution kernel [out, in, ph, pw] becomes the matching
 * matrix by the permutation (ph, pw, in, out). Caller disposes.
 */
export function patchify(pixels: tf.Tensor, patch: number): tf.Tensor {
  const [batch, height, width, channels] = pixels.shape as [number, number, number, number];
  const down = height / patch;
  const across = width / patch;
  if (!Number.isInteger(down) || !Number.isInteger(across)) {
    throw new RangeError(`images of ${height} x ${width} pixels cannot be cut into patches of ${patch}`);
  }
  return tf.tidy(() => {
    const lines = tf.reshape(pixels, [batch * down, patch, across, patch * channels]);
    return tf.reshape(tf.transpose(lines, [0, 2, 1, 3]), [batch, down * across, patch * patch * channels]);
  });
}
