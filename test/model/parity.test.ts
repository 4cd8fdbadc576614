import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspectCheckpoint } from '../../pipeline/checkpoint/inspect.ts';
import { writeSafetensors } from '../../pipeline/model/safetensors.ts';
import { readTeacher } from '../../pipeline/checkpoint/teacher-file.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import { asHuggingface, asTorchvision, strongWeights, tinyArchitecture } from '../support/checkpoints.ts';
import { describeOnEachEngine } from '../support/engines.ts';

describeOnEachEngine('model parity', () => {
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
