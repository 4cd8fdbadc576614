import * as tf from '@tensorflow/tfjs-core';
import { backboneOf } from '../../pipeline/model/backbones.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import { gatedLayer, gatedLogits, type ModelGates } from '../../pipeline/slicing/gated-forward.ts';
import type { SlicedModel } from '../../pipeline/slicing/sliced-model.ts';
import { random } from '../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { assertNear, foldedModel, logitsOf, pixelsFor, roomy } from './models.ts';
import { channelsScaled, layerScaled } from './scores.ts';

const { width, heads, hidden } = roomy;
const size = width / heads;
const draw = random(6, 'gates');
const factors = (count: number): Float32Array =>
  Float32Array.from({ length: count }, () => 0.5 + draw.next());
const [ofChannels, ofKeys, ofValues, ofUnits] = [width, width, width, hidden].map(factors) as [
  Float32Array,
  Float32Array,
  Float32Array,
  Float32Array,
];

/** The channels and the parts of layer 1 times their gates. */
function allScaled(model: SlicedModel): SlicedModel {
  const ofLayer = layerScaled(
    layerScaled(layerScaled(model, 1, 'keys', ofKeys), 1, 'values', ofValues),
    1,
    'units',
    ofUnits,
  );
  return channelsScaled(ofLayer, ofChannels);
}

const gates = (): ModelGates => ({
  channels: tf.tensor(ofChannels, [1, 1, width]),
  layers: [
    undefined,
    {
      keys: tf.tensor(ofKeys, [1, heads, 1, size]),
      values: tf.tensor(ofValues, [1, heads, 1, size]),
      units: tf.tensor(ofUnits, [1, 1, hidden]),
    },
  ],
});

/** Logits of three images, through `run` on the embedded stream. */
function gatedOf(model: SlicedModel, run: typeof gatedLogits, gates: () => ModelGates): Float32Array {
  const tensors = uploadTeacher(model.weights, model.architecture);
  const values = tf.tidy(() => {
    const x = backboneOf(model.architecture).embed(tensors, pixelsFor(model.architecture, 3));
    return run(tensors, x, gates()).dataSync<'float32'>().slice();
  });
  tensors.dispose();
  return values;
}

describeOnEachEngine('slicing/gated-forward', () => {
  for (const pool of [undefined, 'normed-mean'] as const) {
    const title = pool ?? 'class token';
    it(`computes what the model does where nothing is gated, within 1e-5 (${title})`, () => {
      const model = foldedModel({ ...roomy, pool });
      assertNear(
        gatedOf(model, gatedLogits, () => ({})),
        logitsOf(model.architecture, model.weights),
        1e-5,
      );
    });

    it(`computes what the model does whose weights carry the gates, within 5e-5 (${title})`, () => {
      const model = foldedModel({ ...roomy, pool });
      const expected = allScaled(model);
      assertNear(gatedOf(model, gatedLogits, gates), logitsOf(expected.architecture, expected.weights), 5e-5);
    });
  }

  it('goes on from a layer as from the first, within 1e-6', () => {
    const model = foldedModel();
    const inSteps: typeof gatedLogits = (tensors, x, { layers }) => {
      let stream = x;
      for (const layer of [0, 1]) stream = gatedLayer(tensors, layer, stream, undefined, layers?.[layer]);
      return gatedLogits(tensors, stream, {}, 2);
    };
    const ofLayers = (): ModelGates => ({ ...gates(), channels: undefined });
    assertNear(gatedOf(model, inSteps, ofLayers), gatedOf(model, gatedLogits, ofLayers), 1e-6);
  });
});
