import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { loadEngine } from '../../pipeline/tensor/engine.ts';
import { describeOnEachEngine } from '../support/engines.ts';

describeOnEachEngine('engine', (name) => {
  it('multiplies matrices, also transposed', () => {
    tf.tidy(() => {
      const a = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
      const b = tf.tensor2d([7, 8, 9, 10, 11, 12], [3, 2]);
      assert.deepEqual([...tf.matMul(a, b).dataSync()], [58, 64, 139, 154]);
      assert.deepEqual([...tf.matMul(b, a, true, true).dataSync()], [58, 139, 64, 154]);
    });
  });

  it('differentiates', () => {
    tf.tidy(() => {
      const x = tf.tensor1d([0.5, -1, 2]);
      const slope = tf
        .grad((v: tf.Tensor) => tf.sum(tf.square(tf.erf(v))))(x)
        .dataSync();
      const expected = [0.5, -1, 2].map((v) => 2 * erf(v) * (2 / Math.sqrt(Math.PI)) * Math.exp(-v * v));
      expected.forEach((value, i) =>
        assert.ok(Math.abs(value - slope[i]) < 2e-6, `${slope[i]} at ${i}, expected ${value}`),
      );
    });
  });

  it('describes itself', async () => {
    const engine = await loadEngine(name);
    console.log(engine);
    assert.equal(engine.name, name);
    assert.equal(tf.getBackend(), name);
  });
});

/** Power series of the error function; 40 terms are exact to double precision for |x| <= 2. */
function erf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 1; n < 40; n++) {
    term *= -(x * x) / n;
    sum += term / (2 * n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}
