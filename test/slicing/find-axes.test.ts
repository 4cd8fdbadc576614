import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { sampleLabels } from '../../pipeline/compress/visit-gradients.ts';
import { backboneOf } from '../../pipeline/model/backbones.ts';
import { uploadTeacher, type TeacherTensors } from '../../pipeline/model/upload.ts';
import { changeAxes } from '../../pipeline/slicing/change-axes.ts';
import { reconstructionAxes } from '../../pipeline/slicing/find-axes.ts';
import { gatedLayer, gatedLogits } from '../../pipeline/slicing/gated-forward.ts';
import { collectMoments, type ModelMoments } from '../../pipeline/slicing/moments.ts';
import { measureSensitivity, type Sensitivity } from '../../pipeline/slicing/sensitivity.ts';
import type { SlicedModel } from '../../pipeline/slicing/sliced-model.ts';
import { random } from '../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { present } from '../support/present.ts';
import { difference, momentsOf, product, transposedOf } from './bases.ts';
import { assertNear, batchesFor, foldedModel, logitsOf, pixelsFor, range, roomy, scaled } from './models.ts';

const small = { ...roomy, depth: 2 };
const { width, heads } = small;
const [images, tokens, size, seed] = [6, 5, 4, 2];

async function withModel<T>(
  { weights, architecture }: SlicedModel,
  use: (model: TeacherTensors) => T | Promise<T>,
): Promise<T> {
  const model = uploadTeacher(weights, architecture);
  try {
    return await use(model);
  } finally {
    model.dispose();
  }
}

const sensitivityOf = (model: SlicedModel, sizes: readonly number[], most = images): Promise<Sensitivity> =>
  withModel(model, (tensors) =>
    measureSensitivity(tensors, batchesFor(small, sizes)(), { images: most, seed }),
  );

function embedded(model: TeacherTensors, sizes: readonly number[]): tf.Tensor[] {
  return tf.tidy(() => {
    const all = backboneOf(model.architecture).embed(model, pixelsFor(small, images));
    return tf.split(all, [...sizes]);
  });
}

const momentsIn = (
  model: SlicedModel,
  sizes: readonly number[],
  classShare = [0.4, 1],
): Promise<ModelMoments> =>
  withModel(model, (tensors) =>
    collectMoments(tensors, embedded(tensors, sizes), { classShare }, () => undefined),
  );

describeOnEachEngine('slicing/sensitivity', () => {
  it('is the mean product of gradients of log p(drawn label) at each stream, within 1e-4 of the largest', async () => {
    const model = foldedModel(small);
    const { metric, classShare } = await sensitivityOf(model, [4, 2]);
    const labels = sampleLabels(
      logitsOf(model.architecture, model.weights, pixelsFor(small, images)),
      5,
      (image) => random(seed, 'sensitivity', image),
    );
    for (const layer of [0, 1]) {
      const gradients = await withModel(model, (tensors) => gradientsBehind(tensors, layer, labels));
      // Per image, not per token.
      const expected = momentsOf(gradients, width).map((value) => value * tokens);
      const largest = Math.max(...expected);
      assert.ok(difference(metric[layer]!, expected) < 1e-4 * largest);
      const squares = Array.from({ length: images * tokens }, (_, row) =>
        gradients.subarray(row * width, (row + 1) * width).reduce((sum, value) => sum + value ** 2, 0),
      );
      const all = squares.reduce((sum, value) => sum + value, 0);
      const ofClass = squares.reduce((sum, value, row) => sum + (row % tokens === 0 ? value : 0), 0);
      assert.ok(Math.abs(classShare[layer]! - ofClass / all) < 1e-4);
    }
    assert.equal(classShare[1], 1);
  });

  it('is of as many images as asked for, and leaves nothing behind where it is stopped', async () => {
    const model = foldedModel(small);
    assert.equal((await sensitivityOf(model, [2, 2, 2], 3)).images, 4);
    const signal = AbortSignal.abort(new Error('stopped'));
    const stopped = withModel(model, (tensors) =>
      measureSensitivity(tensors, batchesFor(small, [2])(), { images, seed, signal }),
    );
    await assert.rejects(stopped, /stopped/);
  });
});

describeOnEachEngine('slicing/moments', () => {
  it('are those of the first layer counted by hand, tokens weighted, within 1e-4', async () => {
    const model = foldedModel(small);
    const { layers } = await momentsIn(model, [4, 2]);
    // Half of the trust to the share of the class token: 1/2 + 1/2 * 0.4 * 5, and 1/2 + 1/2 * 0.6 * 5 / 4.
    const weightOf = (row: number): number => (row % tokens === 0 ? 1.5 : 0.875);
    const z = await withModel(model, (tensors) => {
      const streams = embedded(tensors, [images]);
      const rows = streams[0]!.dataSync<'float32'>().slice();
      tf.dispose(streams);
      return rows;
    });
    for (let row = 0; row < images * tokens; row++) {
      const one = z.subarray(row * width, (row + 1) * width);
      const scale = Math.sqrt(one.reduce((sum, value) => sum + value ** 2, 0) / width + 1e-6);
      for (let d = 0; d < width; d++) one[d]! /= scale;
    }
    const [kernel, bias] = [0, 1].map(
      (i) => present(model.weights[`blocks.0.attn.qkv.${i === 0 ? 'weight' : 'bias'}`]).data,
    ) as [Float32Array, Float32Array];
    const qkv = product(z, transposedOf(kernel, width), width).map((value, at) => value + bias[at % 36]!);
    for (const head of range(heads)) {
      const part = (
        offset: number,
        change: (value: number, row: number, i: number) => number,
      ): Float64Array =>
        Float64Array.from({ length: images * tokens * size }, (_, at) => {
          const [row, i] = [Math.floor(at / size), at % size];
          return change(qkv[row * 36 + offset + head * size + i]!, row, i);
        });
      const queries = part(0, (value, row) => value * Math.sqrt(weightOf(row)));
      const all = part(width, (value) => value);
      const keys = part(width, (value, row, i) => {
        const first = row - (row % tokens);
        const mean = range(tokens).reduce((sum, t) => sum + all[(first + t) * size + i]!, 0) / tokens;
        return value - mean;
      });
      assertNear(layers[0]!.queries[head]!, momentsOf(queries, size), 1e-4);
      assertNear(layers[0]!.keys[head]!, momentsOf(keys, size), 1e-4);
    }
  });

  it('are the same however the images come in batches, within 1e-4', async () => {
    const model = foldedModel(small);
    const [one, other] = [await momentsIn(model, [6]), await momentsIn(model, [1, 5])];
    assertNear(one.stream, other.stream, 1e-4);
    for (const layer of [0, 1]) {
      const [a, b] = [one.layers[layer]!, other.layers[layer]!];
      for (const of of ['queries', 'keys', 'outputs'] as const) {
        for (const head of range(heads)) assertNear(a[of][head]!, b[of][head]!, 1e-4);
      }
      assertNear(a.hidden.covariance, b.hidden.covariance, 1e-4);
    }
  });

  it('of the stream have the trace of its width, as norms make it', async () => {
    const { stream } = await momentsIn(foldedModel(small), [4, 2]);
    const trace = range(width).reduce((sum, d) => sum + stream[d * width + d]!, 0);
    assert.ok(Math.abs(trace - width) < 1e-3);
  });

  it('leave none of the streams behind where they are stopped, and refuse none at all', async () => {
    const stopping = withModel(foldedModel(small), (tensors) =>
      collectMoments(tensors, embedded(tensors, [4, 2]), { classShare: [0.4, 1] }, () => {
        throw new Error('stopped');
      }),
    );
    await assert.rejects(stopping, /stopped/);
    const none = withModel(foldedModel(small), (tensors) =>
      collectMoments(tensors, [], { classShare: [0.4, 1] }, () => undefined),
    );
    await assert.rejects(none, /no images/);
  });
});

describeOnEachEngine('slicing/find-axes', () => {
  it('leaves the logits within 1e-4, has the stream by falling energy, and a unit that nothing reads last', async () => {
    const whole = foldedModel(small);
    // The fifth hidden unit of the last layer goes nowhere.
    const hole = new Float32Array(12).fill(1).fill(0, 5, 6);
    const model = scaled(whole, 'blocks.1.mlp.fc2.weight', 'last', hole);
    const moments = await momentsIn(model, [4, 2]);
    const axes = reconstructionAxes(model, moments, await sensitivityOf(model, [4, 2]));
    assert.equal(Array.from(axes.layers[1]!.units).at(-1), 5);
    assert.deepEqual(
      Array.from(axes.layers[0]!.units).sort((a, b) => a - b),
      range(12),
    );
    const turned = product(
      product(axes.stream, moments.stream, width),
      transposedOf(axes.stream, width),
      width,
    );
    const energies = range(width).map((d) => turned[d * width + d]!);
    assert.ok(energies.every((value, d) => d === 0 || value <= energies[d - 1]! + 1e-9));
    const changed = changeAxes(model, axes);
    const of = ({ architecture, weights }: SlicedModel): Float32Array => logitsOf(architecture, weights);
    assertNear(of(changed), of(model), 1e-4);
  });
});

/** [images T, D] at the stream behind `layer`, of each image's log p(label). */
function gradientsBehind(model: TeacherTensors, layer: number, labels: Int32Array): Float32Array {
  return tf.tidy(() => {
    const embedding = backboneOf(model.architecture).embed(model, pixelsFor(small, images));
    const ends = range(layer + 1).reduce<tf.Tensor>((x, i) => gatedLayer(model, i, x, undefined), embedding);
    const chosen = tf.oneHot(tf.tensor1d(labels, 'int32'), 5);
    const told = (x: tf.Tensor): tf.Scalar =>
      tf.sum(tf.mul(chosen, tf.logSoftmax(gatedLogits(model, x, {}, layer + 1))));
    return tf.grad(told)(ends).dataSync<'float32'>().slice();
  });
}
