import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { featureWidth, layerShapes } from '../../pipeline/model/architecture.ts';
import { backboneOf } from '../../pipeline/model/backbones.ts';
import type { Architecture } from '../../pipeline/model/family/family.ts';
import type { HostWeights } from '../../pipeline/model/host-weights.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import { cutModel } from '../../pipeline/slicing/cut.ts';
import { random } from '../../pipeline/util/random.ts';
import { assertNear, foldedModel } from '../slicing/models.ts';
import { strongWeights, tinyArchitecture } from '../support/checkpoints.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { present } from '../support/present.ts';

const sliced = cutModel(foldedModel(), {
  channels: 7,
  layers: [
    { keys: 2, values: 3 },
    { heads: 2, keys: 3, values: 3 },
    { heads: 1, keys: 1 },
  ],
});

describeOnEachEngine('model/relation-inputs', () => {
  const models: Record<string, { architecture: Architecture; weights: HostWeights }> = {
    'a ViT': { architecture: tinyArchitecture, weights: strongWeights(tinyArchitecture) },
    'a sliced ViT': sliced,
  };
  for (const [title, { architecture, weights }] of Object.entries(models)) {
    it(`are the rows of qkv applied to what ${title}’s first norm gives, before any scaling (within 1e-5)`, () => {
      const model = uploadTeacher(weights, architecture);
      const stream = random(3, 'stream');
      const tokens = Array.from({ length: 4 }, () =>
        Array.from({ length: architecture.width }, () => stream.normal()),
      );
      const x = tf.tensor3d([tokens]);
      const { heads, keySize, valueSize } = present(layerShapes(architecture)[1]);
      const found = present(backboneOf(architecture).relationInputs)(model, 1, x);
      assert.deepEqual(
        found.map(({ shape }) => shape),
        [keySize, keySize, valueSize].map((size) => [1, 4, heads * size]),
      );
      const [q, k, v] = found.map((part) => part.dataSync()) as [Float32Array, Float32Array, Float32Array];
      const rows = tokens.flatMap((token) => qkvOf(architecture, weights, token));
      const width = heads * (2 * keySize + valueSize);
      const expected = (from: number, size: number) =>
        Float32Array.from(
          tokens.flatMap((_, t) => rows.slice(t * width + from, t * width + from + heads * size)),
        );
      assertNear(q, expected(0, keySize), 1e-5);
      assertNear(k, expected(heads * keySize, keySize), 1e-5);
      assertNear(v, expected(2 * heads * keySize, valueSize), 1e-5);
      tf.dispose([x, found]);
      model.dispose();
    });
  }

  it('a ViT’s features are as many as its stream is wide', () => {
    assert.equal(featureWidth(tinyArchitecture), tinyArchitecture.width);
  });
});

/** Block 1's norm1 and qkv of one token, in plain numbers. */
function qkvOf(architecture: Architecture, weights: HostWeights, token: readonly number[]): number[] {
  const of = (name: string) => present(weights[`blocks.1.${name}`]).data;
  const { width, normWidth = width, layerNormEpsilon } = architecture;
  const isPlain = architecture.family === undefined;
  const mean = isPlain ? token.reduce((sum, x) => sum + x, 0) / width : 0;
  const variance = token.reduce((sum, x) => sum + (x - mean) ** 2, 0) / normWidth;
  const z = token.map(
    (x, d) =>
      ((x - mean) / Math.sqrt(variance + layerNormEpsilon)) * of('norm1.weight')[d]! +
      (isPlain ? of('norm1.bias')[d]! : 0),
  );
  const kernel = of('attn.qkv.weight');
  return [...of('attn.qkv.bias')].map((bias, row) =>
    z.reduce((sum, value, d) => sum + value * kernel[row * width + d]!, bias),
  );
}
