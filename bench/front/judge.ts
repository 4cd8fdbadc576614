import * as tf from '@tensorflow/tfjs-core';
import { setImmediate } from 'node:timers/promises';
import type { TensorBatch } from '../../datasets/batches.ts';
import { scoreLogits, teacherReference, type TeacherReference } from '../../pipeline/measure/score-logits.ts';
import { mergeScores, type Scores } from '../../pipeline/measure/scores.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import { frontLogits, type FrontModel } from './front-model.ts';

/** The measured images, and what the teacher says of them. */
export interface Judge {
  readonly images: number;
  readonly teacher: Scores;
  /** [1, S, S, C], the first image. Not the caller's. */
  readonly image: tf.Tensor4D;
  score(model: FrontModel): Promise<Scores>;
  dispose(): void;
}

interface Kept {
  readonly pixels: tf.Tensor4D;
  readonly labels: Int32Array;
  readonly reference: TeacherReference;
}

/** Keeps the pixels of all images on the engine (0.6 MB each at 224 x 224), so that they are decoded once. Caller disposes. */
export async function openJudge(teacher: FrontModel, batches: AsyncIterable<TensorBatch>): Promise<Judge> {
  const { classes } = teacher.architecture;
  const kept: Kept[] = [];
  const parts: Scores[] = [];
  const model = uploadTeacher(teacher.weights, teacher.architecture);
  try {
    for await (const { pixels, labels } of batches) {
      const logits = tf.tidy(() => frontLogits(model, pixels).dataSync<'float32'>());
      const reference = teacherReference(logits, classes);
      kept.push({ pixels, labels, reference });
      parts.push(scoreLogits(logits, labels, reference));
    }
  } finally {
    model.dispose();
  }
  const image = tf.tidy(() => tf.slice4d(kept[0]!.pixels, [0, 0, 0, 0], [1, -1, -1, -1]));
  return {
    images: parts.reduce((sum, { kl }) => sum + kl.length, 0),
    teacher: mergeScores(parts),
    image,
    async score({ weights, architecture, merged }) {
      const tensors = uploadTeacher(weights, architecture);
      const found: Scores[] = [];
      try {
        for (const { pixels, labels, reference } of kept) {
          const logits = tf.tidy(() => frontLogits(tensors, pixels, merged).dataSync<'float32'>());
          found.push(scoreLogits(logits, labels, reference));
          await setImmediate();
        }
        return mergeScores(found);
      } finally {
        tensors.dispose();
      }
    },
    dispose: () => tf.dispose([image, ...kept.map(({ pixels }) => pixels)]),
  };
}
