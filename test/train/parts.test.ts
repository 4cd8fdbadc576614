import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import { canonicalShapes } from '../../pipeline/model/host-weights.ts';
import { crossEntropy, smoothedTargets, decays } from '../../pipeline/train/train-step.ts';
import { batchesPerEpoch, trainBatches } from '../../pipeline/train/train-batches.ts';
import { describeOnEachEngine } from '../support/engines.ts';

describeOnEachEngine('smoothed cross-entropy', () => {
  const logits = [2, -1, 0.5, 0, 0, 3];
  const targets = smoothedTargets(Int32Array.of(0, 1), 3, 0.3);
  const loss = (x: readonly number[]): number => {
    let sum = 0;
    for (const row of [0, 3]) {
      const log = Math.log([0, 1, 2].reduce((total, c) => total + Math.exp(x[row + c]!), 0));
      for (let c = 0; c < 3; c++) sum -= targets[row + c]! * (x[row + c]! - log);
    }
    return sum / 2;
  };

  it('puts 1 - smoothing on the label and spreads the rest over all classes', () => {
    assert.deepEqual(
      [...targets].map((t) => +t.toFixed(6)),
      [0.8, 0.1, 0.1, 0.1, 0.8, 0.1],
    );
  });

  it('equals the float64 formula within 1e-6, its gradient central differences within 1e-6', () => {
    const { value, gradient } = tf.tidy(() => {
      const y = tf.tensor2d(targets, [2, 3]);
      const f = (x: tf.Tensor) => crossEntropy(x as tf.Tensor2D, y);
      const found = tf.valueAndGrad(f)(tf.tensor2d(logits, [2, 3]));
      return { value: found.value.dataSync()[0]!, gradient: [...found.grad.dataSync()] };
    });
    assert.ok(Math.abs(value - loss(logits)) < 1e-6);
    gradient.forEach((found, i) => {
      const shifted = (by: number) => loss(logits.map((x, j) => (i === j ? x + by : x)));
      assert.ok(Math.abs(found - (shifted(1e-5) - shifted(-1e-5)) / 2e-5) < 1e-6);
    });
  });
});

describe('train batches', () => {
  const count = 10;
  const images = {
    ids: Array.from({ length: count }, (_, i) => `i${i}`),
    labels: Int32Array.from({ length: count }, (_, i) => i),
    pixels: Uint8Array.from({ length: count * 4 }, (_, i) => i >> 2),
    count,
    size: 2,
    channels: 1,
  } as const;
  const options = { batchSize: 4, augment: { flip: false, cropPadding: 0 }, seed: 3 };
  const epoch = (number: number, seed = 3) =>
    [...trainBatches(images, number, { ...options, seed })].map(({ labels }) => [...labels]);

  it('are whole, shuffled anew in each epoch, the same for the same seed', () => {
    assert.deepEqual(
      epoch(1).map((batch) => batch.length),
      [4, 4],
    );
    assert.equal(new Set(epoch(1).flat()).size, 8, 'no image twice');
    assert.deepEqual(epoch(1), epoch(1));
    assert.notDeepEqual(epoch(1), epoch(2));
    assert.notDeepEqual(epoch(1), epoch(1, 4));
    assert.equal(batchesPerEpoch(3, 4), 1);
  });

  it('keep pixels, labels and ids together', () => {
    for (const { ids, labels, pixels } of trainBatches(images, 1, options)) {
      labels.forEach((label, i) => {
        assert.equal(ids[i], `i${label}`);
        assert.deepEqual([...pixels.subarray(i * 4, i * 4 + 4)], [label, label, label, label]);
      });
    }
  });
});

describe('weight decay of the teacher', () => {
  it('touches matrices only', () => {
    const architecture: Architecture = {
      imageSize: 8,
      patchSize: 4,
      channels: 1,
      width: 4,
      depth: 1,
      heads: 1,
      hidden: 8,
      classes: 2,
      layerNormEpsilon: 1e-6,
      gelu: 'exact',
    };
    assert.deepEqual(Object.keys(canonicalShapes(architecture)).filter(decays), [
      'patch_embed.proj.weight',
      'blocks.0.attn.qkv.weight',
      'blocks.0.attn.proj.weight',
      'blocks.0.mlp.fc1.weight',
      'blocks.0.mlp.fc2.weight',
      'head.weight',
    ]);
  });
});
