import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { mergeTokens, mergingForward } from '../../../bench/front/token-merging.ts';
import type { Architecture } from '../../../pipeline/model/architecture.ts';
import { forward } from '../../../pipeline/model/encoder.ts';
import { canonicalShapes, type HostWeights } from '../../../pipeline/model/host-weights.ts';
import { uploadTeacher } from '../../../pipeline/model/upload.ts';
import { runsAsItIs } from '../../../pipeline/tensor/recorded/recorded.ts';
import { assertNear, foldedModel, pixelsFor, roomy } from '../../slicing/models.ts';
import { strongWeights } from '../../support/checkpoints.ts';
import { describeOnEachEngine } from '../../support/engines.ts';

interface Reference {
  readonly prefix: 1 | 2;
  readonly merged: readonly number[];
  readonly logits: readonly number[];
}

const path = join(import.meta.dirname, '../../fixtures/token-merging/reference.json');
const references = JSON.parse(readFileSync(path, 'utf8')) as Record<string, Reference>;

/** As fixtures/token-merging/make.py has it. */
function architectureOf({ prefix, merged }: Reference): Architecture {
  return {
    family: prefix === 2 ? 'deit' : 'vit',
    ...{
      imageSize: 20,
      patchSize: 4,
      channels: 3,
      width: 8,
      depth: merged.length,
      heads: 2,
      hidden: 12,
      classes: 5,
    },
    layerNormEpsilon: 1e-6,
    gelu: 'exact',
  };
}

function sines(count: number, start: number, scale: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => scale * Math.sin((i + start) ** 1.3 * 0.7));
}

function filled(architecture: Architecture): { readonly weights: HostWeights; readonly pixels: tf.Tensor4D } {
  let start = 0;
  const weights: HostWeights = {};
  for (const [name, shape] of Object.entries(canonicalShapes(architecture))) {
    const count = shape.reduce((product, extent) => product * extent, 1);
    const data = sines(count, start, /token|^pos/.test(name) ? 1 : 0.7);
    const isGain = /norm\d?\.weight$/.test(name);
    weights[name] = { shape, data: isGain ? data.map((value) => value + 1) : data };
    start += count;
  }
  return { weights, pixels: tf.tensor4d(sines(2 * 20 * 20 * 3, start, 1), [2, 20, 20, 3]) };
}

describeOnEachEngine('bench/front/token-merging', () => {
  for (const [title, reference] of Object.entries(references)) {
    it(`gives PyTorch’s logits within 1e-4 (${title})`, () => {
      const architecture = architectureOf(reference);
      const { weights, pixels } = filled(architecture);
      const model = uploadTeacher(weights, architecture);
      const logits = mergingForward(model, pixels, reference);
      assertNear(logits.dataSync(), reference.logits, 1e-4);
      tf.dispose([pixels, logits]);
      model.dispose();
    });
  }

  it('is the plain forward pass where nothing is merged, of sliced models too, all of it in functions', () => {
    const others = runsAsItIs().length;
    for (const { architecture, weights } of [
      { architecture: roomy, weights: strongWeights(roomy) },
      foldedModel(),
    ]) {
      const model = uploadTeacher(weights, architecture);
      const pixels = pixelsFor(architecture, 3);
      const { logits } = forward(model, pixels);
      const found = mergingForward(model, pixels, { merged: [0, 0, 0] });
      assertNear(found.dataSync(), logits.dataSync(), 1e-5);
      tf.dispose([pixels, logits, found]);
      model.dispose();
    }
    assert.equal(runsAsItIs().length, others);
  });

  it('changes nothing where the tokens that it joins are equal', () => {
    // Patches of one colour at one position: all keys of an image are equal, and so are the means of any of them.
    const weights = strongWeights(roomy);
    const positions = weights['pos_embed']!.data;
    positions.fill(0.5);
    const model = uploadTeacher(weights, roomy);
    const pixels = tf.ones<tf.Rank.R4>([2, 8, 8, 3]);
    const { logits } = forward(model, pixels);
    const found = mergingForward(model, pixels, { merged: [2, 1, 0] });
    assertNear(found.dataSync(), logits.dataSync(), 1e-5);
    tf.dispose([pixels, logits, found]);
    model.dispose();
  });

  it('averages by how many tokens each one stands for', () => {
    tf.tidy(() => {
      const mixed = tf.tensor3d([
        [
          [1, 0],
          [2, 10],
          [4, 20],
          [8, 30],
        ],
      ]);
      const sizes = tf.tensor2d([[1, 1, 3, 1]]);
      const best = tf.tensor2d([[0, 0.5]]);
      const partner = tf.tensor2d([[0, 1]], [1, 2], 'int32');
      const found = mergeTokens({ mixed, best, partner }, sizes, 1, 1);
      assert.deepEqual(found.x.arraySync(), [
        [
          [1, 0],
          [2, 10],
          [(3 * 4 + 8) / 4, (3 * 20 + 30) / 4],
        ],
      ]);
      assert.deepEqual(found.sizes.arraySync(), [[1, 1, 4]]);
    });
  });
});
