import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { createSaliency } from '../../pipeline/compress/unit-means.ts';
import { visitBlocks } from '../../pipeline/compress/visit.ts';
import { sampleLabels, visitGradients } from '../../pipeline/compress/visit-gradients.ts';
import { likeliestLabels } from '../support/likeliest-labels.ts';
import { vit } from '../../pipeline/model/backbones/vit.ts';
import { blockFeatures, forward, head } from '../../pipeline/model/encoder.ts';
import { teacherFfn } from '../../pipeline/model/ffn-tensors.ts';
import { uploadTeacher, type TeacherTensors } from '../../pipeline/model/upload.ts';
import { random } from '../../pipeline/util/random.ts';
import { strongWeights, tinyArchitecture } from '../support/checkpoints.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { present } from '../support/present.ts';

const images = 2;
const tokens = 5;
const { width, depth, hidden, classes } = tinyArchitecture;
const labels = Int32Array.of(1, 4);

describeOnEachEngine('visitGradients', () => {
  let model: TeacherTensors;
  let pixels: tf.Tensor4D;

  beforeEach(() => {
    const stream = random(5, 'pixels');
    model = uploadTeacher(strongWeights(tinyArchitecture), tinyArchitecture);
    pixels = tf.tensor4d(
      Float32Array.from({ length: images * 8 * 8 * 3 }, () => stream.normal()),
      [images, 8, 8, 3],
    );
  });
  // Mocha runs this before the tensor count of the surrounding describe.
  const free = (): void => {
    model.dispose();
    pixels.dispose();
  };

  /** Sum over the images of log p(label), in float64 from float32 logits, with `shift` added after block `block`. */
  const logLikelihood = (block: number, shift: Float32Array): number =>
    tf.tidy(() => {
      let x = vit.embed(model, pixels);
      for (let index = 0; index < depth; index++) {
        x = blockFeatures(model, index, x, teacherFfn(model, index)).output;
        if (index === block) x = tf.add(x, tf.tensor(shift, [images, tokens, width]));
      }
      const logits = head(model, x).dataSync();
      return labels.reduce((sum, label, image) => {
        const row = Array.from(logits.subarray(image * classes, (image + 1) * classes));
        return sum + row[label]! - Math.log(row.reduce((total, value) => total + Math.exp(value), 0));
      }, 0);
    });

  it('gives the gradient at every block output: central differences within 1 % of the largest', () => {
    const rows = Int32Array.from({ length: images * tokens }, (_, i) => i);
    const found = new Map<number, Float32Array>();
    visitGradients(
      model,
      pixels,
      rows,
      () => labels,
      (block, { outputGradient }) => found.set(block, outputGradient.dataSync<'float32'>()),
    );
    const step = 2e-2;
    const direction = random(9, 'direction');
    for (let block = 0; block < depth; block++) {
      const gradient = present(found.get(block));
      const norm = Math.sqrt(gradient.reduce((sum, value) => sum + value * value, 0));
      assert.ok(norm > 1e-3, `block ${block}: the gradient is ${norm}`);
      // Single coordinates, random directions, and the gradient's own, where the change is its norm.
      const unit = (hot: number) => Float32Array.from(gradient, (_, i) => (i === hot ? 1 : 0));
      const drawn = Float32Array.from(gradient, () => direction.normal());
      const along = gradient.map((value) => value / norm);
      for (const way of [unit(0), unit(7), unit(3 * width + 2), unit(tokens * width + 1), drawn, along]) {
        const expected = gradient.reduce((sum, value, i) => sum + value * way[i]!, 0);
        const shifted = (by: number) =>
          logLikelihood(
            block,
            way.map((value) => value * by),
          );
        const size = Math.sqrt(way.reduce((sum, value) => sum + value * value, 0));
        const h = step / size;
        const difference = (shifted(h) - shifted(-h)) / (2 * h);
        assert.ok(
          Math.abs(difference - expected) < 0.01 * norm * size,
          `block ${block}: ${difference} by differences, ${expected} by the gradient`,
        );
      }
    }
    free();
  });

  it('shows the same sampled tokens as visitBlocks, last block first', () => {
    const rows = Int32Array.of(0, 3, 5, 9);
    const plain: number[][] = [];
    visitBlocks(model, pixels, rows, (_, { input, hidden: h }) =>
      plain.push([...input.dataSync(), ...h.dataSync()]),
    );
    const visited: number[] = [];
    visitGradients(model, pixels, rows, likeliestLabels, (block, tokensOf) => {
      visited.push(block);
      assert.deepEqual(tokensOf.outputGradient.shape, [4, width]);
      const values = [...tokensOf.input.dataSync(), ...tokensOf.hidden.dataSync()];
      values.forEach((value, i) => assert.ok(Math.abs(value - plain[block]![i]!) < 1e-5));
    });
    assert.deepEqual(visited, [1, 0]);
    free();
  });

  it('makes of them the Taylor saliency that switching units off by a little measures', () => {
    const rows = Int32Array.from({ length: images * tokens }, (_, i) => i);
    const saliency = createSaliency(hidden);
    const perToken = new Float64Array(hidden);
    visitGradients(
      model,
      pixels,
      rows,
      () => labels,
      (block, { hidden: h, outputGradient }) => {
        if (block !== 0) return;
        const { fc2Kernel } = teacherFfn(model, 0);
        saliency.add({ hidden: h, back: { outputGradient: outputGradient, fc2Kernel: fc2Kernel } });
        const activations = h.dataSync();
        const gradients = outputGradient.dataSync();
        const kernel = fc2Kernel.dataSync();
        for (let t = 0; t < rows.length; t++) {
          for (let j = 0; j < hidden; j++) {
            // The change of log p(label) if unit j of token t goes: its share of the output against the gradient.
            const output = new Float32Array(images * tokens * width);
            for (let d = 0; d < width; d++)
              output[t * width + d] = activations[t * hidden + j]! * kernel[j * width + d]!;
            let linear = 0;
            for (let d = 0; d < width; d++) linear += output[t * width + d]! * gradients[t * width + d]!;
            perToken[j]! += Math.abs(linear) / rows.length;
          }
        }
      },
    );
    saliency.finish().forEach((value, j) => assert.ok(Math.abs(value - perToken[j]!) < 1e-5 * (1 + value)));
    free();
  });
});

describe('labels without labels', () => {
  it('draws classes as often as the teacher believes in them, and names the likeliest', () => {
    const logits = Float32Array.from({ length: 3 * 4000 }, (_, i) => Math.log([0.1, 0.6, 0.3][i % 3]!));
    const drawn = sampleLabels(logits, 3, (image) => random(1, image));
    const counts = [0, 0, 0];
    for (const label of drawn) counts[label]!++;
    // Four standard errors of a share over 4,000 draws: 0.031.
    [0.1, 0.6, 0.3].forEach((share, c) => assert.ok(Math.abs(counts[c]! / 4000 - share) < 0.031));
    assert.deepEqual(new Set(likeliestLabels(logits, 3)), new Set([1]));
  });

  it('reaches the same logits as forward', () => {
    const model = uploadTeacher(strongWeights(tinyArchitecture), tinyArchitecture);
    const pixels = tf.ones<tf.Rank.R4>([1, 8, 8, 3]);
    let seen: number[] = [];
    visitGradients(
      model,
      pixels,
      Int32Array.of(0),
      (logits, count) => {
        seen = [...logits];
        return likeliestLabels(logits, count);
      },
      () => undefined,
    );
    const expected = tf.tidy(() => [...forward(model, pixels).logits.dataSync()]);
    expected.forEach((value, i) => assert.ok(Math.abs(value - seen[i]!) < 1e-4));
    model.dispose();
    pixels.dispose();
  });
});
