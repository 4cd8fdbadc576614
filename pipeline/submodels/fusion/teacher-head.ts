import * as tf from '@tensorflow/tfjs-core';
import { featureWidth, type Architecture } from '../../model/architecture.ts';
import { backboneOf } from '../../model/backbones.ts';
import type { HostWeights } from '../../model/host-weights.ts';
import { uploadTeacher } from '../../model/upload.ts';
import type { FusionLayer } from './fusion-head.ts';

/**
 * A model's last layer as one linear map from its features [F] to its logits [K], whatever the family: of two heads whose mean
 * is the answer, over both tokens side by side. Found by asking `classify` about every feature alone.
 * @throws Error where it is not linear: a family that has no such layer
 */
export function teacherHeadOf(architecture: Architecture, weights: HostWeights): FusionLayer {
  const model = uploadTeacher(weights, architecture);
  const { classify } = backboneOf(architecture);
  const [inputs, outputs] = [featureWidth(architecture), architecture.classes];
  const ask = (features: tf.Tensor): Float32Array => classify(model, features).dataSync<'float32'>().slice();
  try {
    return tf.tidy(() => {
      const bias = ask(tf.zeros([1, inputs]));
      const kernel = ask(tf.eye(inputs));
      for (let i = 0; i < kernel.length; i++) kernel[i]! -= bias[i % outputs]!;
      // Of features 1, -1/2, 1/3, ...
      const probe = Float32Array.from({ length: inputs }, (_, i) => (-1) ** i / (i + 1));
      const found = ask(tf.tensor2d(probe, [1, inputs]));
      for (let c = 0; c < outputs; c++) {
        const expected = probe.reduce((sum, value, i) => sum + value * kernel[i * outputs + c]!, bias[c]!);
        if (Math.abs(found[c]! - expected) > 1e-3 * Math.max(1, Math.abs(expected))) {
          throw new Error(`the last layer is not linear: ${found[c]} for ${expected}`);
        }
      }
      return { inputs, outputs, kernel, bias };
    });
  } finally {
    model.dispose();
  }
}
