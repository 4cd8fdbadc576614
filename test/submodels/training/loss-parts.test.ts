import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import type { Architecture } from '../../../pipeline/model/architecture.ts';
import { uploadWeights } from '../../../pipeline/model/upload.ts';
import type { Asking } from '../../../pipeline/submodels/training/asking.ts';
import { gradientsInParts } from '../../../pipeline/submodels/training/gradients-in-parts.ts';
import { startLift } from '../../../pipeline/submodels/training/lift.ts';
import { logRelations } from '../../../pipeline/submodels/training/relation-loss.ts';
import { relationPlaces } from '../../../pipeline/submodels/training/relation-places.ts';
import { defaultTraining, type TrainingSettings } from '../../../pipeline/submodels/training/schema.ts';
import { submodelLoss } from '../../../pipeline/submodels/training/submodel-loss.ts';
import { lossAndGradients, submodelStep } from '../../../pipeline/submodels/training/submodel-step.ts';
import { disposeBatch, type SubmodelBatch } from '../../../pipeline/submodels/training/training-batches.ts';
import { adamInit } from '../../../pipeline/tensor/optimizer.ts';
import { describeOnEachEngine } from '../../support/engines.ts';
import { present } from '../../support/present.ts';
import { student, teacher } from './dekd-rig.ts';
import { gentleWeights, normals, width } from './rig.ts';

type Weights = TrainingSettings['weights'];

const none: Weights = { logits: 0, hard: 0, features: 0, labels: 0, relations: { q: 0, k: 0, v: 0 } };
/** Something always teaches the answers; little here, so that the part in question shows. */
const answers: Weights = { ...none, labels: 0.1 };

/** Each part alone, and parameters that it reaches. */
const parts: readonly (readonly [title: string, weights: Weights, parameters: readonly string[]])[] = [
  ['soft answers', { ...none, logits: 1 }, ['head_dist.weight']],
  ['hard answers', { ...none, hard: 1 }, ['head_dist.bias']],
  ['labels beside hard answers', { ...none, labels: 0.5, hard: 0.5 }, ['dist_token', 'head.weight']],
  ['features', { ...answers, features: 5 }, ['lift.weight']],
  [
    'relations of queries, keys and values',
    { ...answers, relations: { q: 5, k: 3, v: 4 } },
    ['blocks.0.attn.qkv.weight', 'cls_token', 'patch_embed.proj.weight'],
  ],
];

const settingsOf = (weights: Weights) => ({ temperature: 2, weights });

/** Five images, and what a teacher says of them; relations of every name that has a weight. */
function batchFor({ relations }: Weights): SubmodelBatch {
  const names = (['q', 'k', 'v'] as const).filter((name) => relations[name] > 0);
  return tf.tidy(() => ({
    count: 5,
    pixels: tf.tensor4d(normals(5 * 64, 'pixels'), [5, 8, 8, 1]),
    targets: tf.tensor2d(normals(15, 'targets'), [5, 3]),
    labels: tf.softmax(tf.tensor2d(normals(15, 'labels'), [5, 3])),
    features: tf.tensor2d(normals(5 * width, 'aims'), [5, width]),
    // Of the patches and two tokens before them.
    relations: names.map((name) => logRelations(tf.tensor3d(normals(5 * 6 * 4, name), [5, 6, 4]), 2)),
  }));
}

function parametersOf(architecture: Architecture, { features }: Weights): Record<string, tf.Tensor> {
  const own = uploadWeights(gentleWeights(architecture), architecture);
  if (features === 0) return own;
  const from = normals(16 * 2 * architecture.width, 'from');
  return { ...own, ...startLift(from, normals(16 * width, 'to'), 16) };
}

/** Where the student's relations are taken, beside a distilled teacher of another width, depth and number of heads. */
const asking: Asking = {
  architecture: student,
  place: relationPlaces('x', { ...teacher.architecture, family: 'deit' }, student).own,
};

function assertSlope(how: Asking, weights: Weights, name: string): void {
  const parameters = parametersOf(how.architecture, weights);
  const batch = batchFor(weights);
  const settings = settingsOf(weights);
  const { loss, gradients } = lossAndGradients(parameters, how, batch, settings);
  const slopes = present(gradients[name]).dataSync<'float32'>();
  // Along the gradient itself and its signs: every entry counts.
  const direction = slopes.map((slope) => Math.sign(slope));
  const lossAt = (by: number): number => {
    const values = present(parameters[name]).dataSync<'float32'>();
    const changed = tf.tensor(
      values.map((value, i) => value + by * direction[i]!),
      present(parameters[name]).shape,
    );
    const found = lossAndGradients({ ...parameters, [name]: changed }, how, batch, settings);
    const value = found.loss.dataSync()[0]!;
    tf.dispose([changed, found.loss, ...Object.values(found.gradients)]);
    return value;
  };
  const expected = slopes.reduce((sum, slope) => sum + Math.abs(slope), 0);
  const found = (lossAt(5e-3) - lossAt(-5e-3)) / 1e-2;
  assert.ok(expected > 1e-3, `no gradient at ${name}`);
  assert.ok(Math.abs(found - expected) < 1e-3 + 0.01 * expected, `${found}, ${expected}`);
  tf.dispose([loss, gradients, parameters]);
  disposeBatch(batch);
}

describeOnEachEngine('each part of the loss of a sub-model', () => {
  for (const [title, weights, parameters] of parts) {
    it(`${title}: its gradient is that of central differences, within 1 %`, () => {
      for (const name of parameters) assertSlope(asking, weights, name);
    });
  }

  it('also through the answers of a whole teacher, restricted: in the heads of classes that are not its own', () => {
    const architecture = { ...student, classes: 6 };
    const subset = { classes: [4, 1], other: true };
    assertSlope({ architecture, subset }, { ...none, labels: 1 }, 'head.bias');
  });

  it('with two heads, labels are for the class head and the teacher for the distillation head: PyTorch has the same', () => {
    const file = new URL('../../fixtures/distillation/expected.json', import.meta.url);
    const { answers } = JSON.parse(readFileSync(file, 'utf8')) as { answers: Answers };
    const { rows, outputs, loss } = answers;
    tf.tidy(() => {
      const tensorOf = (values: readonly number[]) => tf.tensor2d([...values], [rows, outputs]);
      const [targets, labels] = [tensorOf(answers.teacher), tensorOf(answers.labels)];
      const { value, grads } = tf.valueAndGrads((labelLogits: tf.Tensor, logits: tf.Tensor) =>
        submodelLoss(
          { logits, labelLogits, pooled: logits, targets, labels },
          settingsOf({ ...none, labels: 0.5, hard: 0.5 }),
        ),
      )(answers.heads.map(tensorOf));
      assert.ok(Math.abs(value.dataSync()[0]! - loss) < 1e-5);
      grads.forEach((gradient, head) => {
        const expected = answers.gradients[head]!;
        gradient.dataSync().forEach((slope, i) => assert.ok(Math.abs(slope - expected[i]!) < 1e-6));
      });
    });
  });

  it('of two heads, that of the class token hears nothing of the teacher where the labels teach it', () => {
    const weights: Weights = { ...none, labels: 0.5, hard: 0.5 };
    const parameters = parametersOf(student, weights);
    const batch = batchFor(weights);
    const other = { ...batch, targets: tf.tidy(() => tf.neg<tf.Tensor2D>(batch.targets)) };
    const [one, two] = [batch, other].map((batch) =>
      lossAndGradients(parameters, asking, batch, settingsOf(weights)),
    );
    const differs = (name: string) => {
      const [a, b] = [one, two].map((found) =>
        present(present(found).gradients[name]).dataSync<'float32'>(),
      ) as [Float32Array, Float32Array];
      return a.some((slope, i) => Math.abs(slope - b[i]!) > 1e-6);
    };
    assert.deepEqual(['head.weight', 'head_dist.weight'].map(differs), [false, true]);
    tf.dispose([one, two].flatMap((found) => [present(found).loss, present(found).gradients]));
    tf.dispose([parameters, other.targets]);
    disposeBatch(batch);
  });

  it('relations never weigh less in a deeper model, though one layer alone is compared', () => {
    const weights = { ...answers, relations: { q: 3.3, k: 1.65, v: 4.95 } };
    const batch = batchFor(weights);
    const losses = [2, 6].map((depth) => {
      const architecture = { ...student, depth };
      const own = parametersOf(architecture, weights);
      // Blocks that add nothing, so that every layer sees the same stream; and all compute alike.
      const parameters = Object.fromEntries(
        Object.entries(own).map(([name, tensor]) => {
          const silent = /attn\.proj|mlp\.fc2/.test(name);
          const first = present(own[name.replace(/^blocks\.\d+/, 'blocks.0')]);
          return [name, silent ? tf.zerosLike(tensor) : tf.clone(first)];
        }),
      );
      const { place } = asking;
      const deep: Asking = { architecture, place: { ...present(place), block: Math.max(0, depth / 2 - 1) } };
      const { loss, gradients } = lossAndGradients(parameters, deep, batch, settingsOf(weights));
      const value = loss.dataSync()[0]!;
      tf.dispose([loss, gradients, own, parameters]);
      return value;
    });
    disposeBatch(batch);
    assert.ok(present(losses[0]) > 0.1);
    for (const loss of losses) assert.ok(Math.abs(loss - losses[0]!) < 1e-5, losses.join());
  });

  it('in parts of a batch, of unequal sizes too, it is the same but for rounding (within 1e-5)', () => {
    const weights: Weights = {
      logits: 1,
      hard: 0.5,
      features: 1,
      labels: 0.5,
      relations: { q: 1, k: 1, v: 1 },
    };
    const parameters = parametersOf(student, weights);
    const batch = batchFor(weights);
    const of = (part: SubmodelBatch) => lossAndGradients(parameters, asking, part, settingsOf(weights));
    const whole = gradientsInParts(batch, 5, of);
    const parts = gradientsInParts(batch, 2, of);
    assert.ok(Math.abs(whole.loss.dataSync()[0]! - parts.loss.dataSync()[0]!) < 1e-5);
    for (const [name, gradient] of Object.entries(whole.gradients)) {
      const other = present(parts.gradients[name]).dataSync();
      gradient.dataSync().forEach((slope, i) => assert.ok(Math.abs(slope - other[i]!) < 1e-5, name));
    }
    tf.dispose([whole.loss, parts.loss, whole.gradients, parts.gradients, parameters]);
    disposeBatch(batch);
  });
});

describeOnEachEngine('a step of a sub-model', () => {
  const weights: Weights = { ...none, labels: 100 };
  /** After one step the optimiser's first sums are the gradients that it was given. */
  const normAfter = (clip: number | null): number => {
    const parameters = parametersOf(student, weights);
    const batch = batchFor(weights);
    const settings = { ...settingsOf(weights), weightDecay: 0, microBatch: null, clip };
    const { model, loss } = submodelStep(
      { parameters, adam: adamInit(parameters) },
      asking,
      batch,
      settings,
      0,
    );
    const squares = Object.values(model.adam.m).map((sum) =>
      sum.dataSync<'float32'>().reduce((total, value) => total + value * value, 0),
    );
    tf.dispose([loss, model.parameters, model.adam.m, model.adam.v]);
    disposeBatch(batch);
    return Math.sqrt(squares.reduce((a, b) => a + b));
  };

  it('clips all gradients together to the norm that is set, and not at all where none is', () => {
    const whole = normAfter(null);
    assert.ok(whole > 10, `${whole}`);
    assert.ok(Math.abs(normAfter(2) - 2) < 1e-4);
    assert.ok(Math.abs(normAfter(2 * whole) - whole) < 1e-4 * whole);
  });
});

describe('the settings of a training', () => {
  it('leave out of the loss by default what DeViT adds', () => {
    assert.deepEqual(defaultTraining.weights, { ...none, logits: 1, features: 1 });
  });
});

interface Answers {
  readonly rows: number;
  readonly outputs: number;
  readonly heads: readonly (readonly number[])[];
  readonly teacher: readonly number[];
  readonly labels: readonly number[];
  readonly loss: number;
  readonly gradients: readonly (readonly number[])[];
}
