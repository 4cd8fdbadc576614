import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import { backboneOf } from '../../pipeline/model/backbones.ts';
import { modelCosts } from '../../pipeline/model/costs.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import { canonicalShapes } from '../../pipeline/model/host-weights.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import { cutModel } from '../../pipeline/slicing/cut.ts';
import { foldVit } from '../../pipeline/slicing/fold.ts';
import { refitModel } from '../../pipeline/slicing/refit-model.ts';
import { rotateStream } from '../../pipeline/slicing/rotate.ts';
import { sliceCriterionNames } from '../../pipeline/slicing/criterion-names.ts';
import { defaultSlicing } from '../../pipeline/slicing/schema.ts';
import { architectureOf, cutOf } from '../../pipeline/slicing/shape.ts';
import { sliceSubmodel } from '../../pipeline/slicing/slice-submodel.ts';
import { uniformArchitecture } from '../../pipeline/submodels/fleet/uniform-architecture.ts';
import { strongWeights } from '../support/checkpoints.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { present } from '../support/present.ts';
import { orthonormal } from './bases.ts';
import { assertNear, batchesFor, logitsOf, pixelsFor, roomy } from './models.ts';

const architecture: Architecture = { ...roomy, depth: 2, family: 'deit' };
const weights = strongWeights(architecture);
const folded = foldVit(weights, architecture);
const shapesOf = (of: typeof folded) =>
  Object.fromEntries(Object.entries(of.weights).map(([name, { shape }]) => [name, shape]));

/** The logits of each head, of three images. */
function eachOf(model: typeof folded): Float32Array[] {
  const tensors = uploadTeacher(model.weights, model.architecture);
  const found = tf.tidy(() => {
    const { pooled } = forward(tensors, pixelsFor(model.architecture, 3), { capture: ['pooled'] }).features;
    const each = present(backboneOf(model.architecture).classifyEach)(tensors, pooled);
    return each.map((logits) => logits.dataSync<'float32'>().slice());
  });
  tensors.dispose();
  return found;
}

describeOnEachEngine('slicing: a distilled DeiT', () => {
  it('folds into a sliced ViT of two tokens and two heads with the same logits, also in another basis (within 1e-5 and 5e-5)', () => {
    const expected = logitsOf(architecture, weights);
    assert.equal(folded.architecture.distilled, true);
    assert.deepEqual(shapesOf(folded), canonicalShapes(folded.architecture));
    assertNear(logitsOf(folded.architecture, folded.weights), expected, 1e-5);
    const turned = rotateStream(folded, orthonormal(12, 12));
    assertNear(logitsOf(turned.architecture, turned.weights), expected, 5e-5);
  });

  it('loses physically what is cut: the model is the whole one with all else at zero (within 1e-5)', () => {
    const cut = cutModel(folded, { channels: [0, 1, 2, 4, 5, 7, 8, 9, 10], classes: [4, 2] });
    assert.deepEqual(shapesOf(cut), canonicalShapes(cut.architecture));
    const zeros = Object.fromEntries(
      Object.entries(folded.weights).map(([name, { shape, data }]) => {
        const isWriter = /^(cls_token|dist_token|pos_embed|patch_embed)|attn\.proj|mlp\.fc2/.test(name);
        if (!isWriter) return [name, { shape, data }];
        const first = /^patch_embed|attn\.proj|mlp\.fc2/.test(name);
        const others = first ? data.length / 12 : 1;
        return [
          name,
          {
            shape,
            data: data.map((value, i) => ([3, 6, 11].includes(Math.floor(i / others) % 12) ? 0 : value)),
          },
        ];
      }),
    );
    const all = logitsOf(folded.architecture, zeros);
    const expected = [0, 1, 2].flatMap((image) => [4, 2].map((row) => all[5 * image + row]!));
    assertNear(logitsOf(cut.architecture, cut.weights), expected, 1e-5);
  });

  it('is refitted with each head to the same head of the whole one (within 1e-3 where nothing is cut)', async () => {
    const whole = cutOf(architecture, { width: 12, keySize: 4, valueSize: 4, hidden: 12 });
    const refitted = await refitModel(folded, cutModel(folded, whole), batchesFor(architecture, [40])(), {
      ridge: 1e-8,
      sensitivity: { classShare: [0.3, 1] },
    });
    const [found, expected] = [refitted, folded].map(eachOf) as [Float32Array[], Float32Array[]];
    assert.notDeepEqual(refitted.weights['head_dist.weight'], folded.weights['head_dist.weight']);
    for (const head of [0, 1]) assertNear(found[head]!, expected[head]!, 1e-3);
  });

  for (const criterion of sliceCriterionNames) {
    it(`gives sub-models by ${criterion} within the limits that planning counted with`, async () => {
      const costs = modelCosts(architecture);
      const limits = { macs: 0.6 * costs.macs, sizeBytes: 0.7 * costs.sizeBytes };
      const { model } = await sliceSubmodel({
        teacher: { weights, architecture },
        classes: [3, 1],
        other: true,
        fit: batchesFor(architecture, [24]),
        judge: batchesFor(architecture, [5, 3], 77),
        limits,
        settings: {
          ...defaultSlicing,
          criterion,
          images: 24,
          gradientImages: 8,
          widthMultiple: 3,
          search: { shapes: 1, images: 8 },
          kl: { groups: 2, images: 4 },
        },
        seed: 1,
        signal: new AbortController().signal,
        onProgress: () => undefined,
      });
      const { family, distilled, classes } = model.architecture;
      assert.deepEqual([family, distilled, classes], ['sliced-vit', true, 3]);
      assert.deepEqual(shapesOf(model), canonicalShapes(model.architecture));
      const { macs, sizeBytes } = modelCosts(model.architecture);
      assert.ok(macs <= limits.macs && sizeBytes <= limits.sizeBytes);
      assert.ok(Object.values(model.weights).every(({ data }) => data.every(Number.isFinite)));
      assert.ok(logitsOf(model.architecture, model.weights).every(Number.isFinite));
    });
  }

  it('is planned as what it becomes', () => {
    const shape = { width: 9, keySize: 2, valueSize: 3, hidden: 6 };
    const planned = architectureOf(architecture, shape, 3);
    const cut = cutModel(folded, cutOf(architecture, shape, [0, 1, 1]));
    assert.deepEqual(modelCosts(planned), modelCosts(cut.architecture));
    assert.equal(uniformArchitecture(architecture, 5, 0.5).distilled, true);
  });
});
