import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openIdx } from '../../datasets/sources/idx.ts';
import { makeSplits } from '../../datasets/splits.ts';
import { inspectCheckpoint } from '../../pipeline/checkpoint/inspect.ts';
import { readTeacher } from '../../pipeline/checkpoint/teacher-file.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import { realData } from '../datasets/fakes.ts';
import { describeOnEachEngine } from '../support/engines.ts';

function largestError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  assert.equal(actual.length, expected.length);
  return Array.from(actual, (value, i) => Math.abs(value - expected[i]!)).reduce((a, b) => Math.max(a, b));
}

describe('Fashion-MNIST', () => {
  it('is read from its files', async function () {
    const source = await openIdx(join(realData(this), 'fashion-mnist'));
    assert.equal(source.items.length, 70_000);
    assert.equal(source.classes.length, 10);
    const content = await source.content(source.items[69_999]!);
    assert.equal(content.length, 784);
    assert.ok(content.some((value) => value > 100));
  });

  it('is split, hashing all of it', async function () {
    const source = await openIdx(join(realData(this), 'fashion-mnist'));
    const start = process.cpuUsage();
    const settings = {
      splits: { test: 10_000, selection: 5000, calibration: 2048 },
      maxCorruptShare: 0.01,
    };
    const splits = await makeSplits(source, settings, { seed: 1, needTrain: true });
    const { user, system } = process.cpuUsage(start);
    const seconds = (user + system) / 1e6;
    assert.equal(splits.items.train.length, 55_000);
    assert.ok(splits.items.selection.filter(({ label }) => label === 0).length === 500);
    // Processor time, because the machine may be busy; alone it is about a third of this bound.
    assert.ok(seconds < 4, `${seconds.toFixed(2)} s of processor time for 70,000 images`);
  });
});

describeOnEachEngine('a real ViT-Tiny', () => {
  it('gives timm’s logits and class-token features', async function () {
    const folder = join(realData(this), 'vit-tiny-in1k');
    const golden = async (name: string): Promise<Float32Array> => {
      const bytes = await readFile(join(folder, 'golden', name));
      return new Float32Array(Uint8Array.from(bytes).buffer);
    };
    const inspection = await inspectCheckpoint(folder, { architectureName: 'vit_tiny_patch16_224' });
    const model = uploadTeacher(await readTeacher(inspection), inspection.architecture);
    const input = await golden('input_2x3x224x224.f32');
    const pixels = tf.tidy(() => tf.transpose(tf.tensor(input, [2, 3, 224, 224]), [0, 2, 3, 1]));
    // Once with the class-token shortcut and once with every token of the last block.
    const quick = forward(model, pixels, { capture: ['pooled'] });
    const full = forward(model, pixels, { capture: ['pooled', 'block-11.output'] });
    const logits = await golden('logits_2x1000.f32');
    const features = await golden('cls_after_norm_2x192.f32');
    for (const result of [quick, full]) {
      assert.ok(largestError(result.logits.dataSync(), logits) < 1e-3);
      assert.ok(largestError(result.features.pooled.dataSync(), features) < 1e-3);
    }
    const best = tf.argMax(quick.logits, 1);
    assert.deepEqual([...best.dataSync()], [0, 125]);
    tf.dispose([pixels, best, quick, full]);
    model.dispose();
  });
});
