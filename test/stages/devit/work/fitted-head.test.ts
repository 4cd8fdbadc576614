import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import type { Architecture } from '../../../../pipeline/model/architecture.ts';
import { initialWeights } from '../../../../pipeline/model/initial-weights.ts';
import { uploadTeacher } from '../../../../pipeline/model/upload.ts';
import { withFittedHead } from '../../../../pipeline/stages/devit/work/fitted-head.ts';
import { featuresAndLogits } from '../../../../pipeline/submodels/training/predict-features.ts';
import { random } from '../../../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../../../support/engines.ts';

const vit: Architecture = {
  imageSize: 8,
  patchSize: 4,
  channels: 1,
  width: 8,
  depth: 1,
  heads: 2,
  hidden: 16,
  classes: 7,
  layerNormEpsilon: 1e-6,
  gelu: 'exact',
};

/** Of 7 logits an image, without their mean. */
function centredRow(values: ArrayLike<number>, row: number): number[] {
  const own = Array.from({ length: 7 }, (_, i) => values[7 * row + i]!);
  const mean = own.reduce((sum, value) => sum + value, 0) / 7;
  return own.map((value) => value - mean);
}

for (const family of ['vit', 'deit']) {
  describeOnEachEngine(`the new head of a pretrained student of the family ${family}`, () => {
    const architecture = { ...vit, ...(family === 'vit' ? {} : { family }) };
    // Large enough that images differ.
    const weights = Object.fromEntries(
      Object.entries(initialWeights(architecture, 3)).map(([name, { shape, data }]) => [
        name,
        { shape, data: name.includes('norm') ? data : data.map((value) => 15 * value) },
      ]),
    );
    const chance = random(1, 'pixels');
    const images = Float32Array.from({ length: 40 * 64 }, () => chance.normal());
    const pixels = (): tf.Tensor4D => tf.tensor4d(images, [40, 8, 8, 1]);
    // eslint-disable-next-line @typescript-eslint/require-await
    async function* batches() {
      yield pixels();
    }

    it('answers what its features can tell, and starts from the very weights of the file', async () => {
      // What another head would say: the best that a linear one can do is to say it, too, but for a number per image.
      const other = { ...weights };
      for (const name of ['head.weight', 'head_dist.weight']) {
        const own = other[name];
        if (own !== undefined)
          other[name] = { shape: own.shape, data: own.data.map((value, i) => value * ((i % 5) - 2)) };
      }
      const asked = uploadTeacher(other, architecture);
      const input = pixels();
      const [told, wanted] = featuresAndLogits(asked, input);
      const targets = Float32Array.from(await wanted.data());
      tf.dispose([input, told, wanted]);
      asked.dispose();
      const { signal } = new AbortController();
      const fitted = await withFittedHead({ architecture, weights }, batches(), {
        targets,
        outputs: 7,
        ridge: 1e-9,
        signal,
      });
      for (const [name, { data }] of Object.entries(weights)) {
        if (!name.startsWith('head')) assert.deepEqual(fitted.weights[name]?.data, data, name);
      }
      const model = uploadTeacher(fitted.weights, fitted.architecture);
      const again = pixels();
      const [pooled, found] = featuresAndLogits(model, again);
      const logits = await found.data();
      tf.dispose([again, pooled, found]);
      model.dispose();
      // Two heads are each fitted to their token alone, so together they miss what both had to say.
      const tolerance = family === 'vit' ? 2e-3 : 1.5;
      for (let row = 0; row < 40; row++) {
        const [wished, given] = [centredRow(targets, row), centredRow(logits, row)];
        wished.forEach((value, i) => {
          const answer = given[i] ?? NaN;
          assert.ok(Math.abs(value - answer) < tolerance, `${row}: ${value}, ${answer}`);
        });
      }
    });
  });
}
