import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { configSchema } from '../../pipeline/config/schema.ts';
import { backboneOf } from '../../pipeline/model/backbones.ts';
import { modelCosts } from '../../pipeline/model/costs.ts';
import { blockFeatures, forward, head } from '../../pipeline/model/encoder.ts';
import { teacherFfn } from '../../pipeline/model/ffn-tensors.ts';
import { initialWeights } from '../../pipeline/model/initial-weights.ts';
import { uploadTeacher, uploadWeights } from '../../pipeline/model/upload.ts';
import { cutModel } from '../../pipeline/slicing/cut.ts';
import { functionCount } from '../../pipeline/tensor/recorded/attempt.ts';
import { plainly } from '../../pipeline/tensor/recorded/plainly.ts';
import { runsAsItIs } from '../../pipeline/tensor/recorded/recorded.ts';
import { adamInit } from '../../pipeline/tensor/optimizer.ts';
import { smoothedTargets, trainStep, type TrainingModel } from '../../pipeline/train/train-step.ts';
import { assertNear, foldedModel, pixelsFor } from '../slicing/models.ts';
import { tinyArchitecture, vitBase } from '../support/checkpoints.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { present } from '../support/present.ts';

/** Layers of unequal keys and values, of equal ones, and of one head. */
const sliced = cutModel(foldedModel(), {
  channels: 7,
  layers: [
    { keys: 2, values: 3 },
    { heads: 2, keys: 3, values: 3, units: 5 },
    { heads: 1, keys: 1, units: 9 },
  ],
});

describeOnEachEngine('model/sliced-vit', (engine) => {
  it('is the composition of its parts, and the class-token shortcut changes nothing (within 1e-5)', () => {
    const model = uploadTeacher(sliced.weights, sliced.architecture);
    const images = pixelsFor(sliced.architecture, 3);
    const composed = tf.tidy(() => {
      let x = backboneOf(sliced.architecture).embed(model, images);
      for (let i = 0; i < 3; i++) x = blockFeatures(model, i, x, teacherFfn(model, i)).output;
      return head(model, x).dataSync();
    });
    const { logits, features } = forward(model, images, { capture: ['pooled'] });
    assert.deepEqual(features.pooled.shape, [3, 7]);
    assertNear(logits.dataSync(), composed, 1e-5);
    tf.dispose([images, logits, features]);
    model.dispose();
  });

  it('learns by the training step of every family, and nothing of it runs outside of functions', () => {
    const { architecture, weights } = sliced;
    const others = runsAsItIs().length;
    const tensors = uploadWeights(weights, architecture);
    let model: TrainingModel = { weights: tensors, adam: adamInit(tensors) };
    const [pixels, targets] = [pixelsFor(architecture, 4), smoothedTargets(Int32Array.of(0, 1, 2, 3), 5, 0)];
    const batch = { pixels, targets: tf.tensor2d(targets, [4, 5]) };
    const settings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, decays: () => false };
    const losses: number[] = [];
    for (let step = 0; step < 12; step++) {
      const next = trainStep(model, architecture, batch, settings, 0.01);
      losses.push(next.loss.dataSync()[0]!);
      next.loss.dispose();
      model = next.model;
    }
    assert.ok(present(losses.at(-1)) < 0.5 * losses[0]!, losses.join());
    tf.dispose([batch, model.weights, model.adam.m, model.adam.v]);
    if (engine === 'tensorflow') assert.deepEqual(runsAsItIs().slice(others), []);
  });

  if (engine === 'tensorflow') {
    it('has functions that give what plain operations give, shared by models whose layers are alike', () => {
      const { architecture, weights } = sliced;
      const logits = () => {
        const model = uploadTeacher(weights, architecture);
        const images = pixelsFor(architecture, 2);
        const found = forward(model, images).logits;
        const values = found.dataSync().slice();
        tf.dispose([images, found]);
        model.dispose();
        return values;
      };
      assertNear(logits(), plainly(logits), 1e-5);
      // The first two layers of another model; its last is again the last one of the same shape.
      const before = functionCount();
      const [first, second, third] = present(architecture.layers);
      const layers = [first, second, third, third].map((layer) => present(layer));
      const longer = { ...architecture, classes: 3, depth: 4, layers };
      const model = uploadTeacher(initialWeights(longer, 1), longer);
      tf.tidy(() => void forward(model, pixelsFor(longer, 2)));
      model.dispose();
      // The third layer is here not the last one: its mixing, and what follows it over all tokens.
      assert.ok(functionCount() - before <= 2, `${functionCount() - before} new functions`);
    });
  }
});

describe('a sliced ViT’s facts', () => {
  it('cost what a ViT costs where nothing is cut, but for the biases of norms', () => {
    const whole = modelCosts(vitBase);
    const folded = modelCosts({ ...vitBase, family: 'sliced-vit' });
    assert.equal(folded.macs, whole.macs);
    assert.equal(folded.params, whole.params - 25 * 768);
  });

  it('are no teacher’s that is trained here', () => {
    const architecture = { ...tinyArchitecture, family: 'sliced-vit' };
    const config = { teacher: { train: { architecture } }, data: { source: 'shapes' } };
    const { message } = present(configSchema.safeParse(config).error);
    assert.match(message, /only made of trained ones; known: vit/);
    assert.doesNotMatch(message, /known:.*sliced-vit/);
  });
});
