import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { roundedToBfloat16 } from '../../../pipeline/tensor/recorded/rounded-to-bfloat16.ts';
import { random } from '../../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../../support/engines.ts';

describeOnEachEngine('rounding to bfloat16', () => {
  it('gives the nearest of the numbers with 8 binary digits', () => {
    const draw = random(1, 'rounding');
    const values = Float32Array.from({ length: 4096 }, () => draw.normal() * 2 ** (20 * draw.normal()));
    values.set([0, 1, -1, 255, 257, 2 ** -100]);
    const rounded = tf.tidy(() => roundedToBfloat16(tf.tensor1d(values)).dataSync<'float32'>());
    values.forEach((x, index) => {
      const unit = 2 ** (Math.floor(Math.log2(Math.abs(x))) - 7);
      const digits = rounded[index]! / unit;
      assert.ok(x === 0 ? rounded[index] === 0 : Number.isInteger(digits), `${rounded[index]} for ${x}`);
      assert.ok(Math.abs(rounded[index]! - x) <= unit / 2 || x === 0, `${rounded[index]} for ${x}`);
    });
  });

  it('passes gradients on as they are', () => {
    const slopes = tf.tidy(() =>
      tf
        .grad((x: tf.Tensor) => tf.sum(tf.mul(roundedToBfloat16(x), [3, 5])))(tf.tensor1d([1, 2]))
        .dataSync(),
    );
    assert.deepEqual([...slopes], [3, 5]);
  });
});
