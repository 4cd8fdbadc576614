import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { fuse } from '../../../pipeline/submodels/fusion/fuse.ts';
import { fuseAll } from '../../../pipeline/submodels/fusion/fuse-all.ts';
import type { FusionTask } from '../../../pipeline/submodels/fusion/fusion-task.ts';
import { fusionSchema } from '../../../pipeline/submodels/fusion/schema.ts';
import { tokenLoss } from '../../../pipeline/submodels/fusion/token-loss.ts';
import { trainFusion } from '../../../pipeline/submodels/fusion/train-fusion.ts';
import { tokenGradients } from '../../../pipeline/submodels/fusion/train-tokens.ts';
import { random } from '../../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../../support/engines.ts';
import { fleetFeatures } from './fleet-features.ts';

const widths = [6, 8, 5];
const classes = 4;
const tokenWidth = 7;

const draw = (seed: string, length: number) => {
  const stream = random(1, seed);
  return Float32Array.from({ length }, () => stream.normal());
};
const teacherHead = {
  inputs: tokenWidth,
  outputs: classes,
  kernel: draw('kernel', tokenWidth * classes),
  bias: draw('bias', classes),
};

/** A teacher whose token is a linear map of all features and of noise that no sub-model knows. */
function data(images: number, { seed = 1, noise = 0 } = {}) {
  const fleet = fleetFeatures(widths, classes, images, { seed });
  const stream = random(seed, 'tokens');
  const maps = widths.map((width, j) => draw(`map ${j}`, width * tokenWidth));
  const teacherFeatures = new Float32Array(images * tokenWidth);
  const teacherLogits = new Float32Array(images * classes);
  for (let image = 0; image < images; image++) {
    for (let t = 0; t < tokenWidth; t++) {
      let sum = 0.3 * t + noise * stream.normal();
      for (const [j, width] of widths.entries()) {
        for (let f = 0; f < width; f++) {
          sum += 0.1 * fleet.features[j]![image * width + f]! * maps[j]![f * tokenWidth + t]!;
        }
      }
      teacherFeatures[image * tokenWidth + t] = sum;
    }
    for (let c = 0; c < classes; c++) {
      let sum = teacherHead.bias[c]!;
      for (let t = 0; t < tokenWidth; t++) {
        sum += teacherFeatures[image * tokenWidth + t]! * teacherHead.kernel[t * classes + c]!;
      }
      teacherLogits[image * classes + c] = sum;
    }
  }
  const labels = Int32Array.from({ length: images }, (_, image) => {
    const row = teacherLogits.subarray(image * classes, (image + 1) * classes);
    return row.indexOf(Math.max(...row));
  });
  return { features: fleet.features, images, labels, teacherLogits, teacherFeatures };
}

function taskOf(changes: Partial<FusionTask> = {}): FusionTask {
  return {
    widths,
    submodels: ['a', 'b', 'c'],
    classes,
    fit: data(160),
    heldOut: data(120, { seed: 2 }),
    teacherHead,
    settings: fusionSchema.parse({ heads: ['tokens'], ridges: [1e-6, 1e-1], tokens: { epochs: 2 } }),
    seed: 1,
    signal: new AbortController().signal,
    ...changes,
  };
}

describeOnEachEngine('submodels/fusion/token-heads', () => {
  it("starts, where the teacher's token is linear in the features, as the teacher itself", async () => {
    const { head, report } = await trainFusion(taskOf());
    assert.equal(report.candidates[0]?.name, 'tokens in closed form, ridge 0.000001');
    assert.deepEqual(
      [head.kind, head.activation, head.submodels, head.layers.map(({ outputs }) => outputs)],
      ['tokens', 'identity', ['a', 'b', 'c'], [tokenWidth, classes]],
    );
    const { top1, absentTop1 } = report.candidates[0];
    assert.equal(top1, 1);
    assert.ok(Math.min(...absentTop1) > 0.6, absentTop1.join());
    // But for the sharpness that held-out labels want: the largest there is, as the labels are the teacher's own.
    const { features, images, teacherLogits } = data(10, { seed: 3 });
    const found = fuseAll(head, features, images);
    const sharpness = head.layers[1]!.kernel[0]! / teacherHead.kernel[0]!;
    for (let i = 0; i < found.length; i++) {
      const expected = sharpness * teacherLogits[i]!;
      assert.ok(Math.abs(found[i]! - expected) < 2e-3 * sharpness, `${found[i]}, ${expected}`);
    }
    const one = fuse(head, features.map((rows, j) => rows.subarray(0, widths[j]))); // prettier-ignore
    one.forEach((value, c) => assert.ok(Math.abs(value - found[c]!) < 1e-4 * sharpness));
  });

  it('trains from there, and keeps the start where that does harm; the same again', async () => {
    const noisy = { fit: data(160, { noise: 2 }), heldOut: data(120, { seed: 2, noise: 2 }) };
    const settings = (learningRate: number, epochs: number) =>
      fusionSchema.parse({
        heads: ['tokens'],
        // Too large: leaves something to learn.
        ridges: [30],
        tokens: { epochs, learningRate, batchSize: 32 },
      });
    const task = taskOf({ ...noisy, settings: settings(5e-3, 12) });
    const { head, report } = await trainFusion(task);
    const [start, trained] = report.candidates;
    assert.ok(start && trained?.name === 'tokens');
    assert.ok(trained.top1 > start.top1, `${start.top1} to ${trained.top1}`);
    assert.deepEqual((await trainFusion(task)).head, head);
    const harmed = await trainFusion(taskOf({ ...noisy, settings: settings(100, 1) }));
    assert.deepEqual(harmed.report.candidates.length, 1, 'the start alone');
  });

  it('takes heads that were made elsewhere as candidates, unless they are of other sub-models', async () => {
    const { head } = await trainFusion(taskOf());
    const settings = fusionSchema.parse({ heads: ['ridge'], ridges: [1e3] });
    const given = [{ name: 'trained together', head }];
    const { report } = await trainFusion(taskOf({ settings, given }));
    assert.equal(report.chosen, 'trained together');
    const shuffled = taskOf({ settings, given, submodels: ['b', 'a', 'c'] });
    await assert.rejects(trainFusion(shuffled), /trained together: a fusion of vectors .* by a, b, c/);
  });

  it('has the loss of its formula, and its gradient', () => {
    const [b, f, w, k] = [5, 6, 4, 3];
    const shaped = (name: string, ...shape: number[]) => {
      const size = shape.reduce((x, y) => x * y, 1);
      return tf.tensor(draw(name, size), shape);
    };
    const rules = { weights: { tokens: 0.7, labels: 0.4, hard: 0.6 }, variance: 2.5 };
    tf.tidy(() => {
      const hot = (rows: number[]) => tf.oneHot(tf.tensor1d(rows, 'int32'), k).toFloat();
      const aims = {
        tokens: shaped('aim', b, w),
        labels: hot([0, 1, 2, 0, 1]),
        hard: hot([0, 2, 2, 0, 0]),
      };
      const parameters = {
        'kernel-0': shaped('k0', f, w),
        'bias-0': shaped('b0', w),
        'kernel-1': shaped('k1', w, k),
        'bias-1': shaped('b1', k),
      };
      const x = shaped('x', b, f);
      const found = tokenLoss(x, aims, parameters, rules).dataSync()[0]!;
      assert.ok(Math.abs(found - lossInFloat64(x, aims, parameters, rules)) < 1e-5 * found);

      const present = tf.tensor2d(
        Float32Array.from({ length: b * f }, (_, i) => Number(i % 3 !== 0)),
        [b, f],
      );
      const map = shaped('map', f, f);
      const batch = { x, present, map, ...aims };
      const { gradients } = tokenGradients(batch, parameters, rules);
      for (const [name, parameter] of Object.entries(parameters)) {
        const direction = shaped(`direction ${name}`, ...parameter.shape);
        const step = 1e-2;
        const at = (sign: number) => {
          const moved = { ...parameters, [name]: tf.add(parameter, tf.mul(direction, sign * step)) };
          return tokenGradients(batch, moved, rules).loss.dataSync()[0]!;
        };
        const expected = (at(1) - at(-1)) / (2 * step);
        const slope = tf.sum(tf.mul(gradients[name]!, direction)).dataSync()[0]!;
        // Float32 losses of some ten over a step of 1e-2, and the third derivative.
        assert.ok(Math.abs(slope - expected) < 3e-3 * Math.max(1, Math.abs(expected)), `${name}: ${slope}, ${expected}`); // prettier-ignore
      }
    });
  });
});

type Aims = Parameters<typeof tokenLoss>[1];

/** `tokens |t - t*|^2 / (W variance) + labels CE + hard CE`, mean over the rows, in plain loops. */
function lossInFloat64(
  x: tf.Tensor,
  aims: Aims,
  parameters: Readonly<Record<string, tf.Tensor>>,
  { weights, variance }: Parameters<typeof tokenLoss>[3],
): number {
  const rows = (tensor: tf.Tensor) => tensor.arraySync() as number[][];
  const affine = (row: readonly number[], layer: number) => {
    const kernel = rows(parameters[`kernel-${layer}`]!);
    const bias = parameters[`bias-${layer}`]!.arraySync() as number[];
    return bias.map((start, j) => row.reduce((sum, value, i) => sum + value * kernel[i]![j]!, start));
  };
  const [tokens, labels, hard] = [rows(aims.tokens), rows(aims.labels), rows(aims.hard)];
  const all = rows(x).map((row, image) => {
    const token = affine(row, 0);
    const logits = affine(token, 1);
    const total = Math.log(logits.reduce((sum, value) => sum + Math.exp(value), 0));
    const entropy = (shares: readonly number[]) =>
      shares.reduce((sum, share, c) => sum + share * (total - logits[c]!), 0);
    const missed = token.reduce((sum, value, t) => sum + (value - tokens[image]![t]!) ** 2, 0) / token.length;
    return (
      (weights.tokens * missed) / variance +
      weights.labels * entropy(labels[image]!) +
      weights.hard * entropy(hard[image]!)
    );
  });
  return all.reduce((sum, value) => sum + value, 0) / all.length;
}
