import * as tf from '@tensorflow/tfjs-core';
import { setImmediate } from 'node:timers/promises';
import { uploadTeacher, type TeacherTensors } from '../../pipeline/model/upload.ts';
import { median } from '../../pipeline/util/quantile.ts';
import { frontLogits, type FrontModel } from './front-model.ts';

export interface FrontLatency {
  /** Median of the rounds. */
  readonly milliseconds: number;
  /** Over the median of the teacher, which ran in turns with the model: what another machine or a busy one has in common with this. */
  readonly ofTeacher: number;
}

/** Times a whole forward pass, logits on the host, of `image` [1, S, S, C]. */
export async function frontLatency(
  teacher: FrontModel,
  model: FrontModel,
  image: tf.Tensor4D,
  { warmup, rounds }: { readonly warmup: number; readonly rounds: number },
): Promise<FrontLatency> {
  const models = [teacher, model].map((one) => ({
    tensors: uploadTeacher(one.weights, one.architecture),
    merged: one.merged,
    times: [] as number[],
  }));
  try {
    for (let round = 0; round < warmup + rounds; round++) {
      for (const { tensors, merged, times } of models) {
        const start = performance.now();
        tf.tidy(() => frontLogits(tensors, image, merged).dataSync());
        if (round >= warmup) times.push(performance.now() - start);
      }
      await setImmediate();
    }
  } finally {
    models.forEach(({ tensors }: { tensors: TeacherTensors }) => tensors.dispose());
  }
  const [before, after] = models.map(({ times }) => median(times)) as [number, number];
  return { milliseconds: after, ofTeacher: after / before };
}
