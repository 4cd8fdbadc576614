import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { distillGradients, ffnOutput } from '../../pipeline/distill/loss.ts';
import {
  applyFfn,
  disposeFfn,
  downloadFfn,
  ffnList,
  ffnOfList,
  uploadFfn,
} from '../../pipeline/model/ffn-tensors.ts';
import {
  mapParts,
  partOf,
  partsOf,
  type FfnRecord,
  type FfnWeights,
} from '../../pipeline/model/ffn-weights.ts';
import type { Gelu } from '../../pipeline/tensor/ops.ts';
import { random } from '../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../support/engines.ts';

const [N, D, H] = [6, 3, 5];

function normals(size: number, ...labels: string[]): Float32Array {
  const stream = random(3, ...labels);
  return Float32Array.from({ length: size }, () => stream.normal());
}
const weights: FfnWeights = {
  width: D,
  hidden: H,
  fc1Kernel: normals(D * H, 'w1'),
  fc1Bias: normals(H, 'b1'),
  fc2Kernel: normals(H * D, 'w2'),
  fc2Bias: normals(D, 'b2'),
};
// Small, as the series of erf below is exact near 0 alone.
const small = (values: Float32Array): Float32Array => values.map((value) => value / 2);
const gated: FfnWeights = {
  ...weights,
  gateKernel: small(normals(D * H, 'wg')),
  gateBias: small(normals(H, 'bg')),
};
const inputs = normals(N * D, 'x');
const targets = normals(N * D, 'y');
const lossScale = 0.37;

/** erf by its Maclaurin series in float64: exact to 1e-15 for the small arguments here. */
function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 200; n++) {
    term *= (-x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const activations: Record<Gelu, (z: number) => number> = {
  exact: (z) => 0.5 * z * (1 + erf(z / Math.SQRT2)),
  tanh: (z) => 0.5 * z * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (z + 0.044715 * z ** 3))),
  quick: (z) => z / (1 + Math.exp(-1.702 * z)),
  silu: (z) => z / (1 + Math.exp(-z)),
  relu: (z) => Math.max(z, 0),
};

/** The loss in float64 on the host, the textbook way. */
function hostLoss(w: FfnRecord<ArrayLike<number>>, gelu: Gelu): number {
  let loss = 0;
  for (let n = 0; n < N; n++) {
    const layer = (kernel: ArrayLike<number>, bias: ArrayLike<number>, j: number): number => {
      let z = bias[j]!;
      for (let d = 0; d < D; d++) z += inputs[n * D + d]! * kernel[d * H + j]!;
      return z;
    };
    const h = Array.from({ length: H }, (_, j) => {
      const value = layer(w.fc1Kernel, w.fc1Bias, j);
      if (w.gateKernel === undefined || w.gateBias === undefined) return activations[gelu](value);
      return activations[gelu](layer(w.gateKernel, w.gateBias, j)) * value;
    });
    for (let d = 0; d < D; d++) {
      let y = w.fc2Bias[d]!;
      for (let j = 0; j < H; j++) y += h[j]! * w.fc2Kernel[j * D + d]!;
      loss += (y - targets[n * D + d]!) ** 2;
    }
  }
  return lossScale * loss;
}

describeOnEachEngine('distillation loss', () => {
  const run = async (gelu: Gelu, weights: FfnWeights): Promise<{ loss: number; gradients: FfnWeights }> => {
    const parameters = uploadFfn(weights);
    const x = tf.tensor2d(inputs, [N, D]);
    const y = tf.tensor2d(targets, [N, D]);
    const { loss, gradients } = distillGradients(x, y, parameters, gelu, lossScale);
    const found = { loss: loss.dataSync()[0]!, gradients: await downloadFfn(gradients) };
    tf.dispose([x, y, loss]);
    disposeFfn(parameters);
    disposeFfn(gradients);
    return found;
  };

  const kinds = [
    ...(['exact', 'tanh', 'quick', 'silu', 'relu'] as const).map((gelu) => [gelu, weights, gelu] as const),
    ...(['exact', 'quick', 'silu'] as const).map((gelu) => [gelu, gated, `${gelu}, gated`] as const),
  ];
  for (const [gelu, weights, title] of kinds) {
    const names = partsOf(weights);
    it(`${title}: loss and gradient equal float64 central differences within 3e-5 relative`, async () => {
      const { loss, gradients } = await run(gelu, weights);
      const double = mapParts(names, (name) => Float64Array.from(partOf(weights, name)));
      assert.ok(Math.abs(loss / hostLoss(double, gelu) - 1) < 1e-6);
      for (const name of names) {
        const values = partOf(double, name);
        const expected = Array.from(values, (value, i) => {
          const step = 1e-5;
          values[i] = value + step;
          const above = hostLoss(double, gelu);
          values[i] = value - step;
          const below = hostLoss(double, gelu);
          values[i] = value;
          return (above - below) / (2 * step);
        });
        const scale = Math.max(...expected.map(Math.abs));
        expected.forEach((value, i) => {
          assert.ok(
            Math.abs(partOf(gradients, name)[i]! - value) < 3e-5 * scale,
            `${name}[${i}]: ${partOf(gradients, name)[i]} ${value}`,
          );
        });
      }
    });

    it(`${title}: equals tf.grads through the block's own function within 1e-5 relative`, async () => {
      const { gradients } = await run(gelu, weights);
      const parameters = uploadFfn(weights);
      const automatic = tf.tidy(() => {
        const x = tf.tensor2d(inputs, [N, D]);
        const y = tf.tensor2d(targets, [N, D]);
        const loss = (...tensors: tf.Tensor[]) =>
          tf.mul<tf.Scalar>(
            tf.sum(tf.squaredDifference(applyFfn(ffnOfList(tensors), x, gelu), y)),
            lossScale,
          );
        return tf
          .grads(loss)(ffnList(parameters))
          .map((g) => g.dataSync());
      });
      disposeFfn(parameters);
      names.forEach((name, index) => {
        const scale = Math.max(...automatic[index]!.map(Math.abs));
        automatic[index]!.forEach((value, i) =>
          assert.ok(Math.abs(partOf(gradients, name)[i]! - value) < 1e-5 * scale, `${name}[${i}]`),
        );
      });
    });
  }

  it('is finite and right far out, where exp(u^2) overflows', () => {
    const [one, zero] = [Float32Array.of(1), Float32Array.of(0)];
    const parameters = uploadFfn({
      width: 1,
      hidden: 1,
      fc1Kernel: one,
      fc1Bias: zero,
      fc2Kernel: one,
      fc2Bias: zero,
    });
    const x = tf.tensor2d([40, -40, 13.5, -13.5], [4, 1]);
    const y = tf.tensor2d([39, 1, 13.5, 0], [4, 1]);
    const output = ffnOutput(x, parameters, 'exact');
    assert.deepEqual(
      [...output.dataSync()].map((value) => +value.toFixed(4)),
      [40, 0, 13.5, 0],
    );
    const { loss, gradients } = distillGradients(x, y, parameters, 'exact', 1);
    assert.ok(Math.abs(loss.dataSync()[0]! - 2) < 1e-4);
    // Of the two tokens with an error only the first has a slope: d loss / d W1 = 2 * 1 * 40, d loss / d b1 = 2.
    assert.ok(Math.abs(gradients.fc1Kernel.dataSync()[0]! - 80) < 1e-2);
    assert.ok(Math.abs(gradients.fc1Bias.dataSync()[0]! - 2) < 1e-4);
    tf.dispose([x, y, output, loss]);
    disposeFfn(parameters);
    disposeFfn(gradients);
  });
});
