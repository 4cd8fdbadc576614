import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  featureWidth,
  lastBlockTokens,
  tokensPerImage,
  type Architecture,
} from '../../pipeline/model/architecture.ts';
import { inspectCheckpoint } from '../../pipeline/checkpoint/inspect.ts';
import { readTeacher, writeTeacher } from '../../pipeline/checkpoint/teacher-file.ts';
import { checkConfig } from '../../pipeline/config/check.ts';
import { configSchema } from '../../pipeline/config/schema.ts';
import { architecture as manifestArchitecture } from '../../pipeline/library/manifest-parts.ts';
import { modelCosts } from '../../pipeline/model/costs.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import { canonicalShapes, type HostWeights } from '../../pipeline/model/host-weights.ts';
import { initialWeights } from '../../pipeline/model/initial-weights.ts';
import { downloadWeights, uploadTeacher, uploadWeights } from '../../pipeline/model/upload.ts';
import { adamInit } from '../../pipeline/tensor/optimizer.ts';
import { runsAsItIs } from '../../pipeline/tensor/recorded/recorded.ts';
import {
  crossEntropy,
  decays,
  smoothedTargets,
  trainStep,
  type TrainingModel,
} from '../../pipeline/train/train-step.ts';
import { temporaryFolder } from '../library/fixture.ts';
import { assertNear, pixelsFor } from '../slicing/models.ts';
import { tinyCct } from '../support/checkpoints.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { present } from '../support/present.ts';

interface Reference {
  readonly imageSize: readonly [number, number];
  readonly patchSize: number;
  readonly channels: 1 | 3;
  readonly layers: number;
  readonly kernel: number;
  readonly between: number;
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  readonly hidden: number;
  readonly classes: number;
  readonly logits: readonly number[];
  readonly gradients: Readonly<Record<string, readonly number[]>>;
}

const path = join(import.meta.dirname, '../fixtures/cct/references.json');
const { cases } = JSON.parse(readFileSync(path, 'utf8')) as { cases: Record<string, Reference> };

function architectureOf({
  imageSize: [height, width],
  layers,
  kernel,
  between,
  ...sizes
}: Reference): Architecture {
  const { patchSize, channels, depth, heads, hidden, classes } = sizes;
  return {
    family: 'cct',
    imageSize: height === width ? height : [height, width],
    tokenizer: { layers, kernel, channels: between },
    ...{ patchSize, channels, depth, heads, hidden, classes, width: sizes.width },
    layerNormEpsilon: 1e-6,
    gelu: 'exact',
  };
}

/** As fixtures/cct/make.py fills tensors. */
function sines(count: number, start: number, scale: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => scale * Math.sin((i + start) * 0.7));
}

function weightsOf(architecture: Architecture): HostWeights {
  let start = 0;
  return Object.fromEntries(
    Object.entries(canonicalShapes(architecture)).map(([name, shape]) => {
      const count = shape.reduce((product, extent) => product * extent, 1);
      const isNorm = name.includes('norm') && name.endsWith('weight');
      const data = sines(count, start, isNorm ? 0.2 : 0.5).map((value) => value + (isNorm ? 1 : 0));
      start += count;
      return [name, { shape, data }];
    }),
  );
}

/** Images lie as PyTorch has them: [2, C, height, width]. */
function pixels({ imageSize: [height, width], channels }: Reference): tf.Tensor4D {
  const values = sines(2 * channels * height * width, 0, 1);
  return tf.tidy(() => tf.transpose(tf.tensor4d(values, [2, channels, height, width]), [0, 2, 3, 1]));
}

describeOnEachEngine('model/cct', (engine) => {
  for (const [title, reference] of Object.entries(cases)) {
    it(`gives PyTorch’s logits within 1e-4 and its gradients within 1e-3 (${title})`, async () => {
      const architecture = architectureOf(reference);
      const host = weightsOf(architecture);
      const model = uploadTeacher(host, architecture);
      const images = pixels(reference);
      const { logits } = forward(model, images);
      assertNear(logits.dataSync(), reference.logits, 1e-4);
      const names = Object.keys(model.weights);
      const targets = tf.tensor2d(smoothedTargets(Int32Array.of(0, 1), reference.classes, 0), [
        2,
        reference.classes,
      ]);
      const { value, grads } = tf.valueAndGrads((...tensors: tf.Tensor[]) => {
        const weights = Object.fromEntries(names.map((name, i) => [name, tensors[i]!]));
        return crossEntropy(forward({ architecture, weights }, images).logits, targets);
      })(names.map((name) => present(model.weights[name])));
      const found = await downloadWeights(
        Object.fromEntries(names.map((name, i) => [name, grads[i]!])),
        architecture,
      );
      for (const [name, gradient] of Object.entries(reference.gradients)) {
        // A shift of all scores changes no weight: nothing but rounding is left.
        if (name === 'attention_pool.bias') assert.ok(Math.abs(present(found[name]).data[0]!) < 1e-6);
        else assertNear(present(found[name]).data, gradient, 1e-3);
      }
      tf.dispose([images, logits, targets, value, grads]);
      model.dispose();
    });
  }

  it('learns from nothing by the training step of every family, and nothing of it runs outside of functions', () => {
    const others = runsAsItIs().length;
    const start = initialWeights(tinyCct, 1);
    const tensors = uploadWeights(start, tinyCct);
    let model: TrainingModel = { weights: tensors, adam: adamInit(tensors) };
    const batch = {
      pixels: pixelsFor(tinyCct, 4),
      targets: tf.tensor2d(smoothedTargets(Int32Array.of(0, 1, 2, 3), 5, 0), [4, 5]),
    };
    const settings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, decays };
    const losses: number[] = [];
    for (let step = 0; step < 10; step++) {
      const next = trainStep(model, tinyCct, batch, settings, 0.02);
      losses.push(next.loss.dataSync()[0]!);
      next.loss.dispose();
      model = next.model;
    }
    assert.ok(present(losses.at(-1)) < 0.6 * losses[0]!, losses.join());
    tf.dispose([batch, model.weights, model.adam.m, model.adam.v]);
    if (engine === 'tensorflow') assert.deepEqual(runsAsItIs().slice(others), []);
  });
});

describe('a CCT’s facts', () => {
  it('are tokens by the map’s places, all of which the head reads, and costs that add up', () => {
    assert.deepEqual([tokensPerImage(tinyCct), lastBlockTokens(tinyCct), featureWidth(tinyCct)], [16, 16, 8]);
    const { macs, params } = modelCosts(tinyCct);
    const tokenizer = 64 * 9 * 3 * 8;
    const blocks = 2 * (16 * 4 * 8 ** 2 + 2 * 16 ** 2 * 8 + 16 * 2 * 8 * 12);
    assert.equal(macs, tokenizer + blocks + 2 * 16 * 8 + 8 * 5);
    const sizes = Object.values(canonicalShapes(tinyCct)).map((shape) => shape.reduce((a, b) => a * b, 1));
    assert.equal(
      params,
      sizes.reduce((a, b) => a + b, 0),
    );
  });

  it('are refused where there is no such model, in the config, in a teacher’s own file and in a manifest', async () => {
    const { layerNormEpsilon, gelu, tokenizer, ...sizes } = tinyCct;
    const problemOf = (changes: Partial<Architecture>): string | undefined => {
      const architecture = { ...sizes, layerNormEpsilon, gelu, tokenizer, ...changes };
      const config = configSchema.parse({ teacher: { train: { architecture } }, data: { source: 'shapes' } });
      return checkConfig(config)[0]?.message;
    };
    assert.equal(problemOf({}), undefined);
    assert.match(present(problemOf({ tokenizer: undefined })), /needs "tokenizer"/);
    assert.match(present(problemOf({ tokenizer: { layers: 1, kernel: 4, channels: 3 } })), /give an odd one/);
    assert.match(
      present(problemOf({ tokenizer: { layers: 3, kernel: 3, channels: 3 }, patchSize: 4 })),
      /patchSize 4 with 3 layers.*\(2 stride\)\^layers, so 8 or 64/,
    );
    assert.match(present(problemOf({ family: 'vit' })), /only a cct has one/);
    const pooled = { ...tinyCct, pool: 'mean' as const };
    const { error } = manifestArchitecture.safeParse(pooled);
    assert.match(present(error).message, /reads the weighted mean of all tokens/);
    assert.deepEqual(manifestArchitecture.parse(tinyCct), tinyCct);
    const folder = await temporaryFolder();
    try {
      const path = join(folder.path, 'model.safetensors');
      const weights = initialWeights(tinyCct, 1);
      await writeTeacher(path, weights, tinyCct);
      const inspection = await inspectCheckpoint(path);
      assert.deepEqual([inspection.architecture, await readTeacher(inspection)], [tinyCct, weights]);
      await writeTeacher(path, weights, pooled);
      await assert.rejects(inspectCheckpoint(path), /its architecture, cct.*weighted mean/s);
    } finally {
      await folder.remove();
    }
  });

  it('have CCT-7/3x1’s size as published, but for the biases of queries, keys and values', () => {
    // Hassani et al. 2021, table 2: 3.76 M parameters for 32 px and 10 classes.
    const { params } = modelCosts({
      ...tinyCct,
      imageSize: 32,
      width: 256,
      depth: 7,
      heads: 4,
      hidden: 512,
      classes: 10,
      tokenizer: { layers: 1, kernel: 3, channels: 64 },
    });
    assert.ok(Math.abs(params - 7 * 3 * 256 - 3.76e6) < 0.04e6, String(params));
  });
});
