import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectCheckpoint } from '../../pipeline/checkpoint/inspect.ts';
import { writeSafetensors } from '../../pipeline/model/safetensors.ts';
import { readTeacher } from '../../pipeline/checkpoint/teacher-file.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import { asHuggingface, asTorchvision, strongWeights, tinyArchitecture } from '../support/checkpoints.ts';
import { describeOnEachEngine } from '../support/engines.ts';

function largestError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  assert.equal(actual.length, expected.length);
  return Array.from(actual, (value, i) => Math.abs(value - expected[i]!)).reduce((a, b) => Math.max(a, b));
}

describeOnEachEngine('model parity', () => {
  it('gives timm’s logits and class-token features for a real ViT-Tiny', async function () {
    const data = process.env.BLOCKFORGE_DATA;
    if (data === undefined) {
      console.log('      BLOCKFORGE_DATA is not set: no reference logits to compare with');
      this.skip();
    }
    const folder = join(data, 'vit-tiny-in1k');
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

  it('gives the same logits for the same weights in each naming', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'blockforge-parity-'));
    const weights = strongWeights(tinyArchitecture);
    const hints = { heads: 2, layerNormEpsilon: 1e-6, gelu: 'exact' } as const;
    const pixels = tf.randomNormal([2, 8, 8, 3], 0, 1, 'float32', 4);
    const results: Float32Array[] = [];
    for (const tensors of [weights, asHuggingface(weights), asTorchvision(weights)]) {
      const path = join(folder, `${results.length}.safetensors`);
      await writeSafetensors(path, tensors);
      const inspection = await inspectCheckpoint(path, { hints });
      const model = uploadTeacher(await readTeacher(inspection), inspection.architecture);
      const { logits } = forward(model, pixels);
      results.push(logits.dataSync<'float32'>().slice());
      logits.dispose();
      model.dispose();
    }
    assert.ok(results[0]!.some((value) => Math.abs(value) > 0.1));
    assert.deepEqual(results[1], results[0]);
    assert.deepEqual(results[2], results[0]);
    pixels.dispose();
    await rm(folder, { recursive: true });
  });
});
