import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { submodelLoss } from '../../../pipeline/submodels/training/submodel-loss.ts';
import { lossAndGradients } from '../../../pipeline/submodels/training/submodel-step.ts';
import { startLift } from '../../../pipeline/submodels/training/lift.ts';
import { restrictLogits } from '../../../pipeline/submodels/training/subset-outputs.ts';
import { uploadWeights } from '../../../pipeline/model/upload.ts';
import { strongWeights } from '../../support/checkpoints.ts';
import { describeOnEachEngine } from '../../support/engines.ts';
import { architecture, normals, width } from './rig.ts';

const none = { hard: 0, relations: { q: 0, k: 0, v: 0 } };

const softmax = (row: readonly number[]): number[] => {
  const exps = row.map((value) => Math.exp(value - Math.max(...row)));
  const sum = exps.reduce((a, b) => a + b);
  return exps.map((value) => value / sum);
};

describe('restrictLogits', () => {
  it("keeps the teacher's probability of every own class and of another one exactly", () => {
    const logits = normals(3 * 7, 'logits').map((value) => 4 * value);
    const classes = [5, 0, 3];
    const found = restrictLogits(logits, 7, { classes, other: true });
    for (let row = 0; row < 3; row++) {
      const whole = softmax(Array.from(logits.subarray(row * 7, row * 7 + 7)));
      const part = softmax(Array.from(found.subarray(row * 4, row * 4 + 4)));
      const own = classes.map((label) => whole[label]!);
      const expected = [...own, 1 - own.reduce((a, b) => a + b)];
      part.forEach((p, output) => assert.ok(Math.abs(p - expected[output]!) < 1e-6, `${p}`));
    }
  });

  it('without another one, takes the logits of its own classes in their order; logits of any size overflow nothing', () => {
    const logits = Float32Array.of(1, 2, 3, 1000, -1000, 1000);
    assert.deepEqual([...restrictLogits(logits, 3, { classes: [2, 0], other: false })], [3, 1, 1000, 1000]);
    const [own, other] = restrictLogits(logits.subarray(3), 3, { classes: [1], other: true });
    assert.equal(own, -1000);
    assert.ok(Math.abs((other ?? 0) - 1000 - Math.LN2) < 1e-4);
  });
});

describeOnEachEngine('the loss of a sub-model', () => {
  it('is 0, with no gradient, where the sub-model says what the teacher says at any temperature', () => {
    const logits = tf.tensor2d(normals(5 * 3, 'same'), [5, 3]);
    // Equal up to what softmax cannot see.
    const shifted = tf.add(logits, 2.5);
    const zeros = tf.zerosLike(logits);
    const loss = (x: tf.Tensor) =>
      submodelLoss(
        { logits: x, pooled: x, targets: shifted, labels: zeros },
        { temperature: 3, weights: { ...none, logits: 1, features: 0, labels: 0 } },
      );
    const { value, grad } = tf.valueAndGrad(loss)(logits);
    assert.ok(Math.abs(value.dataSync()[0]!) < 1e-6);
    assert.ok(grad.dataSync().every((slope) => Math.abs(slope) < 1e-6));
    tf.dispose([logits, shifted, zeros, value, grad]);
  });

  it('is the sum of its three parts, each by its definition', () => {
    const [z, t] = [normals(4 * 3, 'z'), normals(4 * 3, 't')];
    const [x, y, kernel, bias] = [normals(8, 'x'), normals(12, 'y'), normals(6, 'k'), normals(3, 'b')];
    const right = [2, 0, 1, 1];
    let expected = 0;
    for (let i = 0; i < 4; i++) {
      const row = (values: Float32Array, T = 1) =>
        Array.from(values.subarray(3 * i, 3 * i + 3), (v) => v / T);
      const [p, q] = [softmax(row(t, 2)), softmax(row(z, 2))];
      p.forEach((value, c) => (expected += (0.7 * 4 * value * Math.log(value / q[c]!)) / 4));
      expected -= (0.2 * Math.log(softmax(row(z))[right[i]!]!)) / 4;
      for (let d = 0; d < 3; d++) {
        const lifted = x[2 * i]! * kernel[d]! + x[2 * i + 1]! * kernel[3 + d]! + bias[d]!;
        expected += (0.5 * (lifted - y[3 * i + d]!) ** 2) / 12;
      }
    }
    const found = tf.tidy(() => {
      const features = {
        aim: tf.tensor2d(y, [4, 3]),
        kernel: tf.tensor2d(kernel, [2, 3]),
        bias: tf.tensor1d(bias),
      };
      const labels = tf.oneHot(tf.tensor1d(right, 'int32'), 3);
      const inputs = { logits: tf.tensor2d(z, [4, 3]), pooled: tf.tensor2d(x, [4, 2]), labels, features };
      const settings = { temperature: 2, weights: { ...none, logits: 0.7, features: 0.5, labels: 0.2 } };
      return submodelLoss({ ...inputs, targets: tf.tensor2d(t, [4, 3]) }, settings).dataSync()[0]!;
    });
    assert.ok(Math.abs(found - expected) < 1e-5, `${found}, ${expected}`);
  });

  it('has the gradient that central differences confirm, in the weights and in the lift', () => {
    const batch = tf.tidy(() => ({
      count: 4,
      pixels: tf.tensor4d(normals(4 * 64, 'pixels'), [4, 8, 8, 1]),
      targets: tf.tensor2d(normals(12, 'targets'), [4, 3]),
      labels: tf.tensor2d([0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0], [4, 3]),
      features: tf.tensor2d(normals(4 * width, 'aims'), [4, width]),
      relations: [],
    }));
    const lift = startLift(normals(16 * architecture.width, 'from'), normals(16 * width, 'to'), 16);
    const parameters = { ...uploadWeights(strongWeights(architecture), architecture), ...lift };
    const settings = { temperature: 2, weights: { ...none, logits: 1, features: 1, labels: 0.5 } };
    const { loss, gradients } = lossAndGradients(parameters, { architecture }, batch, settings);
    const lossAt = (name: keyof typeof parameters, at: number, by: number): number => {
      const values = parameters[name]!.dataSync<'float32'>().slice();
      values[at]! += by;
      const changed = tf.tensor(values, parameters[name]!.shape);
      const found = lossAndGradients({ ...parameters, [name]: changed }, { architecture }, batch, settings);
      const value = found.loss.dataSync()[0]!;
      tf.dispose([changed, found.loss, ...Object.values(found.gradients)]);
      return value;
    };
    for (const name of ['blocks.0.attn.qkv.weight', 'norm.weight', 'lift.weight', 'lift.bias'] as const) {
      const slopes = gradients[name]!.dataSync();
      for (const at of [0, 3]) {
        const slope = (lossAt(name, at, 1e-2) - lossAt(name, at, -1e-2)) / 2e-2;
        assert.ok(Math.abs(slopes[at]! - slope) < 2e-3 + 0.02 * Math.abs(slope), `${slopes[at]}, ${slope}`);
      }
    }
    tf.dispose([loss, gradients, parameters]);
    tf.dispose([batch.pixels, batch.targets, batch.labels, batch.features]);
  });

  it('starts the lift at the ridge regression: a linear relation is found again, up to the ridge', () => {
    const x = normals(400 * 3, 'x');
    const y = new Float32Array(400 * 2);
    const kernel = [1, -2, 0.5, 0.25, 3, -1];
    for (let i = 0; i < 400; i++) {
      for (let e = 0; e < 2; e++) {
        y[2 * i + e] = 7 - e;
        for (let d = 0; d < 3; d++) y[2 * i + e]! += (x[3 * i + d]! + 2) * kernel[2 * d + e]!;
      }
    }
    const moved = x.map((value) => value + 2);
    const lift = startLift(moved, y, 400);
    const found = tf.tidy(() => {
      const lifted = tf.add(
        tf.matMul(tf.tensor2d(moved, [400, 3]), lift['lift.weight'] as tf.Tensor2D),
        lift['lift.bias'],
      );
      return tf.mean(tf.square(tf.sub(lifted, tf.tensor2d(y, [400, 2])))).dataSync()[0]!;
    });
    tf.dispose([lift['lift.weight'], lift['lift.bias']]);
    // The ridge is 0.01 of a mean square of 5: it takes 5 % off the slopes, 0.25 % off the variance of 7.
    assert.ok(found < 0.03, `${found}`);
  });
});
