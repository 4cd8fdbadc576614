import assert from 'node:assert/strict';
import { join } from 'node:path';
import { inspectCheckpoint } from '../../pipeline/checkpoint/inspect.ts';
import { readTeacher } from '../../pipeline/checkpoint/teacher-file.ts';
import { canonicalShapes } from '../../pipeline/model/host-weights.ts';
import { foldVit } from '../../pipeline/slicing/fold.ts';
import { strongWeights, tinyArchitecture } from '../support/checkpoints.ts';
import { realData } from '../datasets/fakes.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { assertNear, foldedModel, logitsOf, pixelsFor, roomy } from './models.ts';

describeOnEachEngine('slicing/fold', (engine) => {
  for (const pool of [undefined, 'mean', 'normed-mean'] as const) {
    it(`leaves the logits of a random ViT that reads ${pool ?? 'the class token'} within 1e-5`, () => {
      const architecture = { ...roomy, pool };
      const weights = strongWeights(architecture);
      const folded = foldVit(weights, architecture);
      assertNear(logitsOf(folded.architecture, folded.weights), logitsOf(architecture, weights), 1e-5);
    });
  }

  it('gives exactly the tensors of the family, a stream without mean, and norms of weight 1', () => {
    const { architecture, weights } = foldedModel();
    const shapes = Object.fromEntries(Object.entries(weights).map(([name, { shape }]) => [name, shape]));
    assert.deepEqual(shapes, canonicalShapes(architecture));
    const token = weights['cls_token']!.data;
    assert.ok(Math.abs(token.reduce((sum, value) => sum + value, 0)) < 1e-6);
    assert.deepEqual(weights['blocks.1.norm2.weight']!.data, new Float32Array(12).fill(1));
  });

  it('refuses what is no ViT', () => {
    const { architecture, weights } = foldedModel(tinyArchitecture);
    assert.throws(() => foldVit(weights, architecture), /sliced-vit cannot be folded/);
  });

  if (engine !== 'tensorflow') return;

  it('leaves the logits of ViT-Tiny within 1e-4', async function () {
    const path = join(realData(this), 'vit-tiny-in1k');
    const inspection = await inspectCheckpoint(path, { architectureName: 'vit_tiny_patch16_224' });
    const { architecture } = inspection;
    const weights = await readTeacher(inspection);
    const folded = foldVit(weights, architecture);
    const of = (model: typeof folded) =>
      logitsOf(model.architecture, model.weights, pixelsFor(architecture, 2));
    assertNear(of(folded), of({ architecture, weights }), 1e-4);
  });
});
