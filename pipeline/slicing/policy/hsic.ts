import * as tf from '@tensorflow/tfjs-core';

/** Widths of the kernels whose mean is taken (falcon-xu/DeViT, `core/imp_rank.py`; the paper does not say). */
const sigmas = [1, 2, 4, 8, 16];

/**
 * The Hilbert-Schmidt independence criterion `tr(K H L H) / (B - 1)^2`, H = 1 - 1/B, biased (Gretton et al., "Measuring
 * statistical dependence with Hilbert-Schmidt norms", 2005, definition 2): 0 in the mean where nothing depends on anything. K
 * is the mean of Gaussian kernels of five widths. Here of each feature, standardised over the images as `(x - mean) / std`,
 * and of the prediction, by a linear kernel.
 * @param features [N, B, d]: N features of B images, d numbers (tokens) each
 * @param predictions [B, K]: probabilities
 * @returns [N]; caller disposes
 */
export function hsicWithPrediction(features: tf.Tensor3D, predictions: tf.Tensor2D): tf.Tensor1D {
  return tf.tidy(() => {
    const centred = tf.sub(predictions, tf.mean(predictions, 0, true));
    // Of centred predictions the linear kernel is centred already.
    const linear = tf.matMul(centred, centred, false, true);
    const kernels = gaussianKernels(standardised(features));
    return tf.div(tf.sum(tf.mul(kernels, linear), [1, 2]), freedom(features));
  });
}

/**
 * The same criterion between every two of the features, which are not standardised for it and have Gaussian kernels both.
 * @returns [N, N]; caller disposes
 */
export function hsicBetween(features: tf.Tensor3D): tf.Tensor2D {
  return tf.tidy(() => {
    const flat = tf.reshape<tf.Rank.R2>(gaussianKernels(features), [features.shape[0], -1]);
    return tf.div(tf.matMul(flat, flat, false, true), freedom(features));
  });
}

function freedom({ shape }: tf.Tensor3D): number {
  return (shape[1] - 1) ** 2;
}

/** Every number less its mean over the images, over its deviation; what is the same on all of them becomes 0. */
function standardised(features: tf.Tensor3D): tf.Tensor3D {
  const images = features.shape[1];
  const mean = tf.mean(features, 1, true);
  const centred = tf.sub(features, mean);
  const deviation = tf.sqrt(tf.div(tf.sum(tf.square(centred), 1, true), images - 1));
  // Rounding is no deviation.
  const differs = tf.greater(deviation, tf.mul(1e-6, tf.abs(mean)));
  return tf.where(differs, tf.divNoNan(centred, deviation), tf.zerosLike(centred)) as tf.Tensor3D;
}

/** x [N, B, d] -> the mean of the kernels, without their means over rows and columns [N, B, B] */
function gaussianKernels(x: tf.Tensor3D): tf.Tensor3D {
  const products = tf.matMul(x, x, false, true);
  const squares = tf.sum(tf.square(x), 2);
  const sums = tf.add(tf.expandDims(squares, 1), tf.expandDims(squares, 2));
  const distances = tf.relu(tf.sub(sums, tf.mul(products, 2)));
  const kernels = sigmas.map((sigma) => tf.exp(tf.mul(distances, -1 / (2 * sigma ** 2))));
  const mean = tf.div(tf.addN(kernels), sigmas.length);
  const rows = tf.mean(mean, 1, true);
  const columns = tf.mean(mean, 2, true);
  return tf.add(tf.sub(tf.sub(mean, rows), columns), tf.mean(rows, 2, true));
}
