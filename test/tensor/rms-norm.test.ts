import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { rmsNorm } from '../../pipeline/tensor/rms-norm.ts';
import { random } from '../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { present } from '../support/present.ts';

const normal = (length: number, label: string): number[] => {
  const stream = random(7, label);
  return Array.from({ length }, () => stream.normal());
};

/** In float64, row by row. */
function reference(x: readonly number[], gamma: readonly number[], width: number, epsilon: number): number[] {
  const channels = gamma.length;
  return x.map((value, i) => {
    const row = x.slice(i - (i % channels), i - (i % channels) + channels);
    const sum = row.reduce((total, other) => total + other * other, 0);
    return (value / Math.sqrt(sum / width + epsilon)) * gamma[i % channels]!;
  });
}

function assertClose(found: ArrayLike<number>, expected: readonly number[], tolerance: number): void {
  assert.equal(found.length, expected.length);
  expected.forEach((value, i) => assert.ok(Math.abs(value - found[i]!) <= tolerance, `[${i}]`));
}

describeOnEachEngine('tensor/rms-norm', () => {
  const [x, gamma] = [normal(24, 'x'), normal(4, 'gamma')];

  it('divides by the root of the squares’ sum over a width that may be another, within 1e-6', () => {
    tf.tidy(() => {
      for (const width of [4, 9]) {
        const found = rmsNorm(tf.tensor3d(x, [2, 3, 4]), tf.tensor1d(gamma), width, 0.1);
        assert.deepEqual(found.shape, [2, 3, 4]);
        assertClose(found.dataSync(), reference(x, gamma, width, 0.1), 1e-6);
      }
    });
  });

  it('has the gradients of its finite differences in float64, within 1e-5', () => {
    const [width, epsilon, step] = [9, 0.1, 1e-5];
    const weights = normal(24, 'weights');
    const loss = (x: readonly number[], gamma: readonly number[]): number =>
      reference(x, gamma, width, epsilon).reduce((sum, value, i) => sum + value * weights[i]!, 0);
    const slope = (
      values: readonly number[],
      at: number,
      of: (values: readonly number[]) => number,
    ): number => {
      const [up, down] = [step, -step].map((by) =>
        of(values.map((value, i) => (i === at ? value + by : value))),
      );
      return (present(up) - present(down)) / (2 * step);
    };
    const gradients = tf.tidy(() => {
      const found = tf.grads((x: tf.Tensor, gamma: tf.Tensor) =>
        tf.sum(tf.mul(rmsNorm(x, gamma, width, epsilon), tf.tensor3d(weights, [2, 3, 4]))),
      )([tf.tensor3d(x, [2, 3, 4]), tf.tensor1d(gamma)]);
      return found.map((gradient) => gradient.dataSync().slice());
    });
    assertClose(
      gradients[0]!,
      x.map((_, i) => slope(x, i, (values) => loss(values, gamma))),
      1e-5,
    );
    assertClose(
      gradients[1]!,
      gamma.map((_, i) => slope(gamma, i, (values) => loss(x, values))),
      1e-5,
    );
  });
});
