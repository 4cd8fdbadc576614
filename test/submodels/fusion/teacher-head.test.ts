import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { forward } from '../../../pipeline/model/encoder.ts';
import { uploadTeacher } from '../../../pipeline/model/upload.ts';
import { teacherHeadOf } from '../../../pipeline/submodels/fusion/teacher-head.ts';
import { strongWeights, tinyArchitecture } from '../../support/checkpoints.ts';
import { describeOnEachEngine } from '../../support/engines.ts';

describeOnEachEngine('submodels/fusion/teacher-head', () => {
  for (const [title, family, width] of [
    ['of a ViT', 'vit', 8],
    ['of a distilled DeiT over both tokens, the mean of its two heads', 'deit', 16],
  ] as const) {
    it(`is the last layer ${title}: the model's logits are that map of its features`, () => {
      const architecture = { ...tinyArchitecture, family };
      const weights = strongWeights(architecture);
      const { kernel, bias, inputs, outputs } = teacherHeadOf(architecture, weights);
      assert.deepEqual([inputs, outputs], [width, 5]);
      const model = uploadTeacher(weights, architecture);
      tf.tidy(() => {
        const images = tf.randomUniform<tf.Rank.R4>([3, 8, 8, 3], -1, 1, 'float32', 4);
        const { logits, features } = forward(model, images, { capture: ['pooled'] });
        const mapped = tf.add(tf.matMul(features.pooled, tf.tensor2d(kernel, [width, 5])), bias);
        const furthest = tf.max(tf.abs(tf.sub(mapped, logits))).dataSync()[0]!;
        assert.ok(furthest < 1e-4, String(furthest));
      });
      model.dispose();
    });
  }
});
