import * as tf from '@tensorflow/tfjs-core';
import type { ModelLook, TrainingResult, TrainingTask } from '../../pipeline/distill/distill-task.ts';
import { distillStudents } from '../../pipeline/distill/distill-students.ts';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import { sliceFfn, type FfnWeights } from '../../pipeline/model/ffn-weights.ts';
import { hostFfn } from '../../pipeline/model/host-weights.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import { random } from '../../pipeline/util/random.ts';
import { strongWeights, tinyArchitecture } from '../support/checkpoints.ts';
import { memoryCheckpoint } from '../support/memory-checkpoint.ts';

/** Three blocks: one before, one between and one for the head alone. */
export const small: Architecture = { ...tinyArchitecture, depth: 3 };
export const host = strongWeights(small);

/** The first so many hidden units of every block. */
export function cut(...hiddens: readonly number[]): FfnWeights[] {
  return hiddens.map((hidden, block) =>
    sliceFfn(
      hostFfn(host, block),
      Array.from({ length: hidden }, (_, unit) => unit),
    ),
  );
}

/** Normal pixels, the same for the same name. */
export function pixelsOf(images: number, ...name: (string | number)[]): tf.Tensor4D {
  const draw = random(2, ...name);
  return tf.tensor4d(
    Float32Array.from({ length: images * 8 * 8 * 3 }, () => draw.normal()),
    [images, 8, 8, 3],
  );
}

/** Eight images a step, drawn by step. */
export async function* batches(firstStep: number): AsyncGenerator<tf.Tensor4D> {
  for (let step = firstStep; ; step++) yield await Promise.resolve(pixelsOf(8, 'batch', step));
}

/** 20 images in two batches of different sizes. */
export async function* heldOut(): AsyncGenerator<tf.Tensor4D> {
  yield await Promise.resolve(pixelsOf(12, 'held out', 0));
  yield pixelsOf(8, 'held out', 1);
}

export type Changes = Partial<Omit<TrainingTask, 'settings'>> & {
  readonly settings?: Partial<TrainingTask['settings']>;
};

/** Two students, with changes. */
export async function train({ settings, ...changes }: Changes = {}): Promise<TrainingResult> {
  const model = uploadTeacher(host, small);
  try {
    return await distillStudents({
      subject: 'distill/shard-0',
      model,
      students: [
        { id: 'w0008', ffns: cut(8, 8, 8) },
        { id: 'w0005', ffns: cut(5, 6, 5) },
      ],
      batches,
      heldOut,
      composedShare: 0.5,
      signal: new AbortController().signal,
      checkpoint: memoryCheckpoint(),
      ...changes,
      settings: {
        ...{ optimizer: 'adamw', learningRate: 2e-2, schedule: 'cosine', warmupShare: 0.05 },
        ...{ weightDecay: 0, loss: 'normalised-mse', lookahead: 0.5, klWeight: 1, steps: 20 },
        ...settings,
      },
    });
  } finally {
    model.dispose();
  }
}

/** A signal that says it is aborted from the moment it has been asked `steps` times; a training asks once a step. */
export function abortAfter(steps: number): AbortSignal {
  const stop = new AbortController();
  const { signal } = stop;
  stop.abort(new Error('Ctrl-C'));
  let reads = 0;
  return new Proxy(signal, {
    get(target, key) {
      if (key === 'aborted') return ++reads > steps;
      if (key === 'throwIfAborted') return () => undefined;
      return Reflect.get(target, key, target) as unknown;
    },
  });
}

/** A result without what no two runs share: the clock. */
export function timeless({ history, ...rest }: TrainingResult) {
  return { ...rest, history: history.map((look): ModelLook => ({ ...look, seconds: 0 })) };
}
