import * as tf from '@tensorflow/tfjs-core';
import type { ModelTensors } from '../model/backbone.ts';
import { forward } from '../model/encoder.ts';
import type { FfnTensors } from '../model/ffn-tensors.ts';

interface LabelledBatch {
  readonly pixels: tf.Tensor4D;
  readonly labels: Int32Array;
}

/**
 * How many images the model (with other FFN blocks, if given) gets right by its most likely class.
 * Disposes the batches' pixels. @throws the signal's reason when aborted
 */
export async function countCorrect(
  model: ModelTensors,
  batches: AsyncIterable<LabelledBatch>,
  {
    ffn,
    signal,
  }: {
    readonly ffn?: ((block: number) => FfnTensors) | undefined;
    readonly signal?: AbortSignal | undefined;
  } = {},
): Promise<number> {
  let correct = 0;
  for await (const { pixels, labels } of batches) {
    const classes = tf.tidy(() => {
      const { logits } = forward(model, pixels, { ffn });
      return tf.argMax(logits, -1);
    });
    const found = classes.dataSync();
    for (let i = 0; i < labels.length; i++) if (found[i] === labels[i]) correct++;
    tf.dispose([pixels, classes]);
    signal?.throwIfAborted();
  }
  return correct;
}

/** The most likely class of every image, in the batches' order. */
export interface PredictedClasses {
  readonly labels: readonly number[];
  /** Among the model's classes, or those of a part of it. */
  readonly predicted: readonly number[];
  /** Among all classes of a model that a part is used of; else the same. */
  readonly unrestricted: readonly number[];
}

/**
 * @param part places of the classes that count among the model's logits; labels are places in it. Null: all of them
 * Disposes the batches' pixels. @throws the signal's reason when aborted
 */
export async function predictClasses(
  model: ModelTensors,
  batches: AsyncIterable<LabelledBatch>,
  part: readonly number[] | null,
  signal?: AbortSignal,
): Promise<PredictedClasses> {
  const found: { labels: number[]; predicted: number[]; unrestricted: number[] } = {
    labels: [],
    predicted: [],
    unrestricted: [],
  };
  for await (const { pixels, labels } of batches) {
    const { among, all } = tf.tidy(() => {
      const { logits } = forward(model, pixels);
      const best = tf.argMax(logits, -1);
      if (part === null) return { among: best, all: best };
      return { among: tf.argMax(tf.gather(logits, tf.tensor1d([...part], 'int32'), 1), -1), all: best };
    });
    found.labels.push(...labels);
    found.predicted.push(...among.dataSync());
    found.unrestricted.push(...all.dataSync());
    tf.dispose([pixels, among, all]);
    signal?.throwIfAborted();
  }
  return found;
}
