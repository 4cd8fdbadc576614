import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { extentOf, type Architecture } from '../../pipeline/model/architecture.ts';
import { canonicalShapes, hostFfn } from '../../pipeline/model/host-weights.ts';
import { initialWeights } from '../../pipeline/model/initial-weights.ts';
import { vit } from '../../pipeline/model/backbones/vit.ts';
import { blockFeatures, forward, head } from '../../pipeline/model/encoder.ts';
import {
  applyFfn,
  disposeFfn,
  downloadFfn,
  teacherFfn,
  uploadFfn,
} from '../../pipeline/model/ffn-tensors.ts';
import { downloadWeights, uploadTeacher, uploadWeights } from '../../pipeline/model/upload.ts';
import { random } from '../../pipeline/util/random.ts';
import { strongWeights, tinyArchitecture as tiny } from '../support/checkpoints.ts';
import { describeOnEachEngine } from '../support/engines.ts';

function pixels(architecture: Architecture, batch: number): tf.Tensor {
  const { height, width } = extentOf(architecture.imageSize);
  const stream = random(9, 'pixels');
  const shape = [batch, height, width, architecture.channels];
  return tf.tensor(
    Float32Array.from({ length: shape.reduce((a, b) => a * b) }, () => stream.normal()),
    shape,
  );
}

function largestDifference(a: tf.Tensor, b: tf.Tensor): number {
  return tf.tidy(() => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]!);
}

/** Of the largest value: how far fused operations, which round otherwise, may be from the ones they stand for. */
function isClose(engine: string, a: tf.Tensor, b: tf.Tensor): boolean {
  const size = tf.tidy(() => tf.max(tf.abs(b)).dataSync()[0]!);
  return largestDifference(a, b) <= (engine === 'tensorflow' ? 2e-6 * size : 0);
}

describeOnEachEngine('model/vit', (engine) => {
  it('embeds like a convolution with the checkpoint’s kernel, class token first, positions added', () => {
    const host = strongWeights(tiny);
    const model = uploadTeacher(host, tiny);
    const images = pixels(tiny, 2);
    const result = vit.embed(model, images);
    assert.deepEqual(result.shape, [2, 5, 8]);
    const image = images.dataSync();
    const tokens = result.dataSync();
    const kernel = host['patch_embed.proj.weight']!.data;
    for (const [b, row, column, d] of [
      [0, 0, 0, 0],
      [1, 0, 1, 3],
      [1, 1, 0, 7],
    ] as const) {
      let sum = host['patch_embed.proj.bias']!.data[d]!;
      for (let c = 0; c < 3; c++) {
        for (let y = 0; y < 4; y++) {
          for (let x = 0; x < 4; x++) {
            const weight = kernel[((d * 3 + c) * 4 + y) * 4 + x]!;
            sum += weight * image[((b * 8 + row * 4 + y) * 8 + column * 4 + x) * 3 + c]!;
          }
        }
      }
      const token = 1 + row * 2 + column;
      sum += host['pos_embed']!.data[token * 8 + d]!;
      assert.ok(Math.abs(tokens[(b * 5 + token) * 8 + d]! - sum) < 1e-5);
    }
    const first = host['cls_token']!.data[2]! + host['pos_embed']!.data[2]!;
    assert.ok(Math.abs(tokens[5 * 8 + 2]! - first) < 1e-6);
    tf.dispose([images, result]);
    model.dispose();
  });

  it('is the composition of its parts, and the class-token shortcut changes nothing', () => {
    const model = uploadTeacher(strongWeights(tiny), tiny);
    const images = pixels(tiny, 3);
    const composed = tf.tidy(() => {
      let x = vit.embed(model, images);
      for (let i = 0; i < tiny.depth; i++) {
        const middle = vit.mix(model, i, x);
        x = tf.add(middle, applyFfn(teacherFfn(model, i), vit.ffnInput(model, i, middle), 'exact'));
      }
      return head(model, x);
    });
    const layered = tf.tidy(() => {
      let x = vit.embed(model, images);
      for (let i = 0; i < tiny.depth; i++) x = blockFeatures(model, i, x, teacherFfn(model, i)).output;
      return head(model, x);
    });
    const { logits } = forward(model, images);
    assert.deepEqual(logits.shape, [3, 5]);
    assert.ok(isClose(engine, composed, layered));
    assert.ok(largestDifference(composed, logits) < 1e-5);
    tf.dispose([images, composed, layered, logits]);
    model.dispose();
  });

  it('captures features by name and refuses unknown names', () => {
    const model = uploadTeacher(strongWeights(tiny), tiny);
    const images = pixels(tiny, 2);
    const { logits, features } = forward(model, images, {
      capture: [
        'embedding',
        'block-00.output',
        'block-01.ffn.input',
        'block-01.ffn.output',
        'block-01.output',
        'pooled',
      ],
    });
    const again = tf.tidy(() => applyFfn(teacherFfn(model, 1), features['block-01.ffn.input'], 'exact'));
    assert.ok(isClose(engine, again, features['block-01.ffn.output']));
    const classes = head(model, features['block-01.output']);
    assert.ok(largestDifference(classes, logits) < 1e-6);
    assert.deepEqual(features.pooled.shape, [2, 8]);
    assert.deepEqual(features['embedding'].shape, [2, 5, 8]);
    assert.equal(Object.keys(features).length, 6);
    assert.throws(
      () => forward(model, images, { capture: ['block-02.output'] }),
      /no feature named block-02.output/,
    );
    tf.dispose([images, logits, features, again, classes]);
    model.dispose();
  });

  it('takes another FFN block for one layer, from host arrays', async () => {
    const host = strongWeights(tiny);
    const model = uploadTeacher(host, tiny);
    const images = pixels(tiny, 2);
    const own = uploadFfn(hostFfn(host, 1));
    const plain = forward(model, images).logits;
    const same = forward(model, images, { ffn: (i) => (i === 1 ? own : teacherFfn(model, i)) }).logits;
    assert.equal(largestDifference(plain, same), 0);
    const back = await downloadFfn(own);
    assert.deepEqual(back, hostFfn(host, 1));
    const silent = uploadFfn({ ...back, fc2Kernel: new Float32Array(12 * 8), fc2Bias: new Float32Array(8) });
    const other = forward(model, images, { ffn: (i) => (i === 1 ? silent : teacherFfn(model, i)) }).logits;
    assert.ok(largestDifference(plain, other) > 1e-3);
    disposeFfn(own);
    disposeFfn(silent);
    tf.dispose([images, plain, same, other]);
    model.dispose();
  });

  it('downloads exactly what was uploaded', async () => {
    const host = strongWeights(tiny);
    const weights = uploadWeights(host, tiny);
    assert.deepEqual(await downloadWeights(weights, tiny), host);
    tf.dispose(weights);
  });

  const kinds: Readonly<Record<string, Partial<Architecture>>> = {
    'class token': {},
    mean: { pool: 'mean', gelu: 'quick' },
    'normed-mean': { pool: 'normed-mean' },
    'class token, biases of relative positions': { relativePositionBias: true },
    'mean, biases of relative positions': { pool: 'mean', relativePositionBias: true },
  };
  for (const [title, kind] of Object.entries(kinds)) {
    it(`has gradients for every weight, those of finite differences along a random direction: ${title}`, () =>
      checkGradients({ ...tiny, ...kind }));
  }

  function checkGradients(tiny: Architecture): void {
    const names = Object.keys(canonicalShapes(tiny));
    tf.tidy(() => {
      const weights = uploadWeights(strongWeights(tiny), tiny);
      const images = pixels(tiny, 2);
      const target = tf.tensor(
        Array.from({ length: 10 }, (_, i) => Math.sin(i)),
        [2, 5],
      );
      const loss = (record: Record<string, tf.Tensor>) =>
        tf.sum(tf.mul(forward({ architecture: tiny, weights: record }, images).logits, target));
      const gradients = tf.grads((...tensors) =>
        loss(Object.fromEntries(names.map((name, i) => [name, tensors[i]!]))),
      )(names.map((name) => weights[name]!));
      // Per weight, so that no error hides behind a larger gradient.
      names.forEach((name, i) => {
        const direction = tf.randomNormal(weights[name]!.shape, 0, 1, 'float32', 17);
        // Of a pool, the class token's output bends more.
        const step = (tiny.pool === undefined ? 1e-2 : 1e-3) / Math.sqrt(direction.size);
        const along = (factor: number) =>
          loss({ ...weights, [name]: tf.add(weights[name]!, tf.mul(direction, factor)) }).dataSync()[0]!;
        const measured = (along(step) - along(-step)) / (2 * step);
        const expected = tf.sum(tf.mul(gradients[i]!, direction)).dataSync()[0]!;
        const scale = Math.max(1, tf.norm(gradients[i]!).dataSync()[0]!);
        assert.ok(
          Math.abs(measured - expected) < 1e-2 * scale,
          `${name}: ${expected}, differences ${measured}`,
        );
      });
    });
  }

  it('runs grey images and the tanh GELU', () => {
    const grey: Architecture = { ...tiny, channels: 1, gelu: 'tanh', heads: 1 };
    const model = uploadTeacher(strongWeights(grey), grey);
    const images = pixels(grey, 1);
    const { logits } = forward(model, images);
    assert.ok(logits.dataSync().every(Number.isFinite));
    tf.dispose([images, logits]);
    model.dispose();
  });
});

describe('model/initial-weights', () => {
  it('is a truncated normal of 0.02, zeros and ones, the same for equal seeds', () => {
    const wide = { ...tiny, width: 64, hidden: 256 };
    const weights = initialWeights(wide, 1);
    assert.deepEqual(Object.keys(weights), Object.keys(canonicalShapes(wide)));
    const { data } = weights['blocks.0.mlp.fc1.weight']!;
    const deviation = Math.sqrt(data.reduce((sum, value) => sum + value * value, 0) / data.length);
    // A standard normal cut at two deviations has deviation 0.8796.
    assert.ok(Math.abs(deviation - 0.02 * 0.8796) < 3e-4);
    assert.ok(data.every((value) => Math.abs(value) <= 0.04));
    assert.ok(weights['blocks.1.norm2.weight']!.data.every((value) => value === 1));
    assert.ok(weights['blocks.1.norm2.bias']!.data.every((value) => value === 0));
    assert.deepEqual(initialWeights(wide, 1), weights);
    assert.notDeepEqual(initialWeights(wide, 2)['head.weight'], weights['head.weight']);
  });
});
