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
