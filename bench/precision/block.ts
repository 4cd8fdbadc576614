import * as tf from '@tensorflow/tfjs-core';
import { orderBlock } from '../../pipeline/compress/order/criteria.ts';
import { createStatistics } from '../../pipeline/compress/statistics.ts';
import { refit } from '../../pipeline/compress/refit.ts';
import { outputErrors } from '../../pipeline/compress/errors.ts';
import { randomFfn, type FfnWeights } from '../../pipeline/model/ffn-weights.ts';
import { linearGelu } from '../../pipeline/tensor/ops.ts';
import { random } from '../../pipeline/util/random.ts';

export interface PreparedBlock {
  /** The refits, in the order of the sparsities. */
  readonly students: readonly FfnWeights[];
  /** Relative, on held-out tokens. */
  readonly refitErrors: readonly number[];
  /** Inputs [N, D]: to train on, and to judge by. */
  readonly training: Float32Array;
  readonly heldOut: Float32Array;
}

/** A block of H = 4 D. */
export function randomBlock(width: number): FfnWeights {
  const draw = random(1, 'bench block');
  return randomFfn(
    width,
    4 * width,
    (part) => (part.endsWith('Kernel') ? 1 / Math.sqrt(width) : 0.1) * draw.normal(),
  );
}

/** [count, D] of variance 1 on average, whose i-th direction is weighed 1 / (1 + i / 8). */
export function randomTokens(count: number, width: number): Float32Array {
  const draw = random(1, 'bench tokens');
  const normals = (length: number) => Float32Array.from({ length }, () => draw.normal());
  const spectrum = Float32Array.from({ length: width }, (_, i) => 1 / (1 + i / 8));
  const energy = spectrum.reduce((sum, scale) => sum + scale * scale, 0);
  return tf.tidy(() => {
    const directions = tf.mul(
      tf.tensor2d(normals(width * width), [width, width]),
      tf.tensor2d(spectrum, [width, 1]),
    );
    const tokens = tf.matMul(tf.tensor2d(normals(count * width), [count, width]), directions);
    return tf.div(tokens, Math.sqrt(energy)).dataSync<'float32'>();
  });
}

/** Orders a block's units by variance and refits it, as a run would, on tokens [N, D] of which the last tenth is held out. */
export function prepareBlock(
  teacher: FfnWeights,
  tokens: Float32Array,
  { batchTokens, sparsities }: { readonly batchTokens: number; readonly sparsities: readonly number[] },
): PreparedBlock {
  const { width, hidden } = teacher;
  const count = Math.floor((0.9 * tokens.length) / width);
  const [training, heldOut] = [tokens.subarray(0, count * width), tokens.slice(count * width)];
  const sums = createStatistics(hidden);
  tf.tidy(() => {
    const kernel = tf.tensor2d(teacher.fc1Kernel, [width, hidden]);
    const bias = tf.tensor1d(teacher.fc1Bias);
    for (let from = 0; from < count; from += batchTokens) {
      const rows = Math.min(batchTokens, count - from);
      const x = tf.tensor2d(training.slice(from * width, (from + rows) * width), [rows, width]);
      sums.add(linearGelu(x, kernel, bias, 'exact') as tf.Tensor2D);
    }
  });
  const statistics = sums.finish();
  sums.dispose();
  const ridge = 1e-4;
  const { units } = orderBlock({ criterion: 'variance', ridge }, teacher, { statistics });
  const widths = sparsities.map((sparsity) => 8 * Math.round((hidden * (1 - sparsity)) / 8));
  const students = refit(teacher, statistics, units, widths, { ridge, method: 'affine' }).map(
    ({ weights }) => weights,
  );
  const refitErrors = outputErrors(teacher, students, heldOut, 'exact').map(({ relative }) => relative);
  return { students, refitErrors, training, heldOut };
}
