import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { forward } from '../../../pipeline/model/encoder.ts';
import { uploadTeacher } from '../../../pipeline/model/upload.ts';
import { teacherHeadOf } from '../../../pipeline/submodels/fusion/teacher-head.ts';
import { strongWeights, tinyArchitecture } from '../../support/checkpoints.ts';
import { describeOnEachEngine } from '../../support/engines.ts';

describeOnEachEngine('submodels/fusion/teacher-head', () => {
  it("is the model's last layer: its logits are that map of its features", () => {
    const weights = strongWeights(tinyArchitecture);
    const { kernel, bias, inputs, outputs } = teacherHeadOf(tinyArchitecture, weights);
    assert.deepEqual([inputs, outputs], [8, 5]);
    const model = uploadTeacher(weights, tinyArchitecture);
    tf.tidy(() => {
      const { logits, features } = forward(model, tf.randomUniform([3, 8, 8, 3], -1, 1, 'float32', 4), {
        capture: ['pooled'],
      });
      const mapped = tf.add(tf.matMul(features.pooled, tf.tensor2d(kernel, [8, 5])), bias);
      const furthest = tf.max(tf.abs(tf.sub(mapped, logits))).dataSync()[0]!;
      assert.ok(furthest < 1e-4, String(furthest));
    });
    model.dispose();
  });
});
