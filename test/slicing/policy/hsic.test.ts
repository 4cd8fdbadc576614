import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { hsicBetween, hsicWithPrediction } from '../../../pipeline/slicing/policy/hsic.ts';
import { describeOnEachEngine } from '../../support/engines.ts';
import { assertClose, reference, sines } from './reference.ts';

const features = (): tf.Tensor3D => sines<tf.Rank.R3>([3, 6, 5]);
const predictions = (): tf.Tensor2D => tf.softmax(tf.mul(sines<tf.Rank.R2>([6, 4], 7, 1.3), 3));

function valuesOf(make: () => tf.Tensor): Float32Array {
  return tf.tidy(() => make().dataSync<'float32'>().slice());
}

describeOnEachEngine('slicing/policy/hsic', () => {
  it('with the prediction is what NumPy finds', () => {
    const found = valuesOf(() => hsicWithPrediction(features(), predictions()));
    assertClose(found, reference.withPrediction, 1e-5);
  });

  it('between features is what NumPy finds', () => {
    assertClose(
      valuesOf(() => hsicBetween(features())),
      reference.between.flat(),
      1e-5,
    );
  });

  it('never takes x - mean / std for (x - mean) / std: neither shift nor scale of a feature changes it', () => {
    const plain = valuesOf(() => hsicWithPrediction(features(), predictions()));
    const changed = valuesOf(() => hsicWithPrediction(tf.add(tf.mul(features(), 40), 25), predictions()));
    assertClose(changed, [...plain], 1e-4);
  });

  it('is 0 where a feature or the prediction is the same for all images', () => {
    const constant = valuesOf(() => hsicWithPrediction(tf.fill([2, 6, 5], 0.3), predictions()));
    assertClose([...constant, 1], [0, 0, 1], 1e-7);
    const same = valuesOf(() => hsicWithPrediction(features(), tf.fill([6, 4], 0.25)));
    assertClose([...same, 1], [0, 0, 0, 1], 1e-7);
  });

  it('is larger where the prediction follows the feature than where it does not', () => {
    const [own = NaN, other = NaN] = valuesOf(() => {
      const follows = [0, 0, 0, 0, 1, 1, 1, 1];
      const features = tf.tensor3d([...follows, 0, 1, 0, 1, 0, 1, 0, 1], [2, 8, 1]);
      return hsicWithPrediction(
        features,
        tf.tensor2d(
          follows.flatMap((one) => [one, 1 - one]),
          [8, 2],
        ),
      );
    });
    assert.ok(own > 0.05 && Math.abs(other) < 1e-6, `${own} and ${other}`);
  });
});
