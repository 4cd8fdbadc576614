import * as tf from '@tensorflow/tfjs-core';
import { featureWidth } from '../model/architecture.ts';
import type { ModelTensors } from '../model/backbone.ts';
import { forward } from '../model/encoder.ts';

export interface CollectedFeatures {
  /** F */
  readonly width: number;
  /** [n * F]: what the head takes, or the answer of a model that projects it. */
  readonly features: Float32Array;
  /** [n] */
  readonly labels: Int32Array;
}

/**
 * The features of labelled images, in their order: a forward pass. Disposes the batches' pixels.
 * @param of `pooled`: what a head takes; `answer`: what the model answers @throws the signal's reason when aborted
 */
export async function collectFeatures(
  model: ModelTensors,
  batches: AsyncIterable<{ readonly pixels: tf.Tensor4D; readonly labels: Int32Array }>,
  images: number,
  {
    of,
    signal,
    onImages,
  }: {
    readonly of: 'pooled' | 'answer';
    readonly signal?: AbortSignal | undefined;
    readonly onImages?: ((done: number) => void) | undefined;
  },
): Promise<CollectedFeatures> {
  const { architecture } = model;
  const width = of === 'answer' ? architecture.classes : featureWidth(architecture);
  const features = new Float32Array(images * width);
  const labels = new Int32Array(images);
  let done = 0;
  for await (const batch of batches) {
    const found = tf.tidy(() => {
      const { logits, features } = forward(model, batch.pixels, { capture: ['pooled'] as const });
      return tf.keep(tf.clone(of === 'answer' ? logits : features.pooled));
    });
    features.set(await found.data<'float32'>(), done * width);
    labels.set(batch.labels, done);
    done += batch.labels.length;
    tf.dispose([batch.pixels, found]);
    signal?.throwIfAborted();
    onImages?.(done);
  }
  return { width, features, labels };
}
