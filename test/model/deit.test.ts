import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { lastBlockTokens, tokensPerImage, type Architecture } from '../../pipeline/model/architecture.ts';
import { backboneOf } from '../../pipeline/model/backbones.ts';
import { blockFeatures, forward, head } from '../../pipeline/model/encoder.ts';
import { teacherFfn } from '../../pipeline/model/ffn-tensors.ts';
import { initialWeights } from '../../pipeline/model/initial-weights.ts';
import { uploadTeacher, uploadWeights } from '../../pipeline/model/upload.ts';
import { adamInit } from '../../pipeline/tensor/optimizer.ts';
import { runsAsItIs } from '../../pipeline/tensor/recorded/recorded.ts';
import { decays, smoothedTargets, trainStep, type TrainingModel } from '../../pipeline/train/train-step.ts';
import { assertNear, pixelsFor, roomy } from '../slicing/models.ts';
import { strongWeights } from '../support/checkpoints.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { present } from '../support/present.ts';

const architecture: Architecture = { ...roomy, family: 'deit' };
const weights = strongWeights(architecture);

describeOnEachEngine('model/deit', (engine) => {
  it('is the composition of its parts, the last block may see two tokens only (within 1e-5), and the answer is the mean of two heads', () => {
    const model = uploadTeacher(weights, architecture);
    const backbone = backboneOf(architecture);
    const images = pixelsFor(architecture, 3);
    assert.deepEqual([tokensPerImage(architecture), lastBlockTokens(architecture)], [6, 2]);
    const composed = tf.tidy(() => {
      let x = backbone.embed(model, images);
      for (let i = 0; i < 3; i++) x = blockFeatures(model, i, x, teacherFfn(model, i)).output;
      return head(model, x).dataSync();
    });
    const { logits, features } = forward(model, images, { capture: ['pooled'] });
    assert.deepEqual(features.pooled.shape, [3, 24]);
    assertNear(logits.dataSync(), composed, 1e-5);
    const each = tf.tidy(() =>
      present(backbone.classifyEach)(model, features.pooled).map((one) => one.dataSync()),
    );
    const [ofClass, ofDistillation] = each as [Float32Array, Float32Array];
    const mean = ofClass.map((value, i) => (value + ofDistillation[i]!) / 2);
    assertNear(logits.dataSync(), mean, 1e-6);
    // Each head reads its own token: another distillation head changes one of them alone.
    const other = uploadTeacher(
      { ...weights, 'head_dist.bias': { shape: [5], data: new Float32Array(5).fill(7) } },
      architecture,
    );
    const changed = tf.tidy(() =>
      present(backbone.classifyEach)(other, features.pooled).map((one) => one.dataSync()),
    );
    assert.deepEqual(changed[0], ofClass);
    assert.notDeepEqual(changed[1], ofDistillation);
    tf.dispose([images, logits, features]);
    model.dispose();
    other.dispose();
  });

  it('answers with one head of its own token where one alone is read (within 1e-5 of that head)', () => {
    const both = uploadTeacher(weights, architecture);
    const images = pixelsFor(architecture, 3);
    const { logits, features } = forward(both, images, { capture: ['pooled'] });
    const each = present(backboneOf(architecture).classifyEach)(both, features.pooled);
    for (const [index, [reads, name]] of (
      [
        ['class', 'head'],
        ['distillation', 'head_dist'],
      ] as const
    ).entries()) {
      const alone: Architecture = { ...architecture, reads };
      const [weight, bias] = [present(weights[`${name}.weight`]), present(weights[`${name}.bias`])];
      const model = uploadTeacher({ ...weights, 'head.weight': weight, 'head.bias': bias }, alone);
      assert.deepEqual([tokensPerImage(alone), lastBlockTokens(alone)], [6, 1]);
      const short = forward(model, images);
      const whole = forward(model, images, { capture: ['block-02.output'] });
      assertNear(short.logits.dataSync(), present(each[index]).dataSync(), 1e-5);
      assertNear(whole.logits.dataSync(), present(each[index]).dataSync(), 1e-5);
      tf.dispose([short, whole]);
      model.dispose();
    }
    tf.dispose([images, logits, features, ...each]);
    both.dispose();
  });

  it('learns from nothing by the training step of every family, both heads and tokens, and nothing of it runs outside of functions', () => {
    const others = runsAsItIs().length;
    const start = initialWeights(architecture, 1);
    const tensors = uploadWeights(start, architecture);
    let model: TrainingModel = { weights: tensors, adam: adamInit(tensors) };
    const batch = {
      pixels: pixelsFor(architecture, 4),
      targets: tf.tensor2d(smoothedTargets(Int32Array.of(0, 1, 2, 3), 5, 0), [4, 5]),
    };
    const settings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, decays };
    const losses: number[] = [];
    for (let step = 0; step < 12; step++) {
      const next = trainStep(model, architecture, batch, settings, 0.02);
      losses.push(next.loss.dataSync()[0]!);
      next.loss.dispose();
      model = next.model;
    }
    assert.ok(present(losses.at(-1)) < 0.5 * losses[0]!, losses.join());
    for (const name of ['dist_token', 'head.bias', 'head_dist.bias']) {
      assert.notDeepEqual(model.weights[name]!.dataSync(), start[name]!.data, name);
    }
    tf.dispose([batch, model.weights, model.adam.m, model.adam.v]);
    if (engine === 'tensorflow') assert.deepEqual(runsAsItIs().slice(others), []);
  });
});
