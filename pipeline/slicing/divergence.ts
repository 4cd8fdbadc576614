import * as tf from '@tensorflow/tfjs-core';
import { scoreLogits, teacherReference } from '../measure/score-logits.ts';
import { forward } from '../model/encoder.ts';
import { uploadTeacher } from '../model/upload.ts';
import type { SlicedModel } from './sliced-model.ts';
import { visitImages } from './visit-images.ts';

/** Of every judging image, in their order, what a model is compared with. */
export interface ExpectedLogits {
  readonly classes: number;
  /** One array [B, classes] per batch. */
  readonly batches: readonly Float32Array[];
}

/** What `compared` takes of the teacher's logits [B, K]. */
export async function expectedLogits(
  whole: SlicedModel,
  batches: AsyncIterable<tf.Tensor4D>,
  signal: AbortSignal,
  compared: (logits: tf.Tensor) => tf.Tensor,
): Promise<ExpectedLogits> {
  const teacher = uploadTeacher(whole.weights, whole.architecture);
  const found: Float32Array[] = [];
  let classes = 0;
  try {
    await visitImages(batches, { signal }, (pixels) => {
      tf.tidy(() => {
        const expected = compared(forward(teacher, pixels).logits);
        classes = expected.shape[1] ?? 0;
        found.push(expected.dataSync<'float32'>());
      });
    });
    return { classes, batches: found };
  } finally {
    teacher.dispose();
  }
}

/** Mean `KL(expected || model)` among the model's first outputs, over the first judging images; nats an image. */
export async function divergenceFrom(
  { classes, batches: expected }: ExpectedLogits,
  model: SlicedModel,
  batches: AsyncIterable<tf.Tensor4D>,
  signal: AbortSignal,
): Promise<number> {
  const student = uploadTeacher(model.weights, model.architecture);
  let sum = 0;
  let batch = 0;
  try {
    const images = await visitImages(batches, { signal }, (pixels) => {
      const count = pixels.shape[0];
      const rows = expected[batch++]!.subarray(0, count * classes);
      const found = tf.tidy(() =>
        tf.slice(forward(student, pixels).logits, [0, 0], [-1, classes]).dataSync(),
      );
      const { kl } = scoreLogits(found, new Int32Array(count), teacherReference(rows, classes));
      for (const value of kl) sum += value;
    });
    return sum / images;
  } finally {
    student.dispose();
  }
}
