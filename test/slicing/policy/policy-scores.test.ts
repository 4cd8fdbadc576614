import type * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { inspectCheckpoint } from '../../../pipeline/checkpoint/inspect.ts';
import { readTeacher } from '../../../pipeline/checkpoint/teacher-file.ts';
import { foldVit } from '../../../pipeline/slicing/fold.ts';
import { policyScores } from '../../../pipeline/slicing/policy/policy-scores.ts';
import type { SlicedModel } from '../../../pipeline/slicing/sliced-model.ts';
import { describeOnEachEngine } from '../../support/engines.ts';
import { batchesFor, foldedModel, roomy } from '../models.ts';
import { assertClose, reference, sines } from './reference.ts';

async function timmModel(): Promise<SlicedModel> {
  const hints = {
    heads: 3,
    layerNormEpsilon: 1e-6,
    gelu: 'exact',
    imageSize: [8, 8],
    pool: 'class-token',
  } as const;
  const file = join(import.meta.dirname, '../../fixtures/teachers/timm.safetensors');
  const inspection = await inspectCheckpoint(file, { hints });
  return { architecture: inspection.architecture, weights: await readTeacher(inspection) };
}

async function* twoBatches(): AsyncGenerator<tf.Tensor4D> {
  for (const batch of [0, 1]) {
    yield sines<tf.Rank.R4>([6, 8, 8, 3], batch * 6 * 192);
    await Promise.resolve();
  }
}

describeOnEachEngine('slicing/policy/policy-scores', () => {
  it('are what PyTorch finds in evaluation mode over two batches, of a ViT and of what it is folded to', async () => {
    const vit = await timmModel();
    for (const model of [vit, foldVit(vit.weights, vit.architecture)]) {
      const scores = await policyScores(model, twoBatches());
      for (const [layer, { heads, units }] of scores.entries()) {
        assertClose(units, reference.units[layer]!, 2e-4);
        assertClose(heads, reference.heads[layer]!, 2e-3);
      }
    }
  });

  it('tell of activity alone where there is one image', async () => {
    for (const { heads, units } of await policyScores(foldedModel(), batchesFor(roomy, [1])())) {
      assert.ok(heads.every((value) => value === 0));
      assert.equal(Math.max(...units), 0.9);
      assert.equal(Math.min(...units), 0);
    }
  });

  it('leave nothing behind where they are stopped, or where a batch fails', async () => {
    const signal = AbortSignal.abort(new Error('stopped'));
    await assert.rejects(policyScores(foldedModel(), batchesFor(roomy, [3])(), signal), /stopped/);
    const failing = async function* (): AsyncGenerator<tf.Tensor4D> {
      yield* batchesFor(roomy, [3])();
      throw new Error('unreadable');
    };
    await assert.rejects(policyScores(foldedModel(), failing()), /unreadable/);
  });
});
