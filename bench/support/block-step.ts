import type * as tf from '@tensorflow/tfjs-core';
import { studentStep } from '../../pipeline/distill/step.ts';
import type { Student } from '../../pipeline/distill/student.ts';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import type { AdamSettings } from '../../pipeline/tensor/optimizer.ts';
import type { Precision } from '../../pipeline/tensor/recorded/precision.ts';

/** All that such a step reads of it is the depth and the kind of GELU. */
const architecture: Architecture = {
  ...{ imageSize: 4, patchSize: 4, channels: 1, width: 8, depth: 1, heads: 1, hidden: 8, classes: 2 },
  ...{ layerNormEpsilon: 1e-6, gelu: 'exact' },
};

/** A training step of a student of one block on inputs and outputs of that block, [N, D] each. Caller disposes the loss. */
export function blockStep(
  student: Student,
  { x, target }: { readonly x: tf.Tensor; readonly target: tf.Tensor },
  settings: {
    readonly lossScale: number;
    readonly learningRate: number;
    readonly adam?: AdamSettings;
    readonly precision?: Precision;
  },
): tf.Scalar {
  const { lossScale, learningRate, adam = {}, precision } = settings;
  const features = { own: undefined, given: [{ input: x, target }] };
  return studentStep(student, { architecture, weights: {} }, features, {
    ...{ shares: { own: 0, given: 1 }, lookahead: 0, blockScales: [lossScale], divergenceScale: 0 },
    ...{ learningRate, adam, precision },
  });
}
