import * as tf from '@tensorflow/tfjs-core';
import { forward, type FfnTensors, type VisionTransformer } from '../model/vit.ts';

interface LabelledBatch {
  readonly pixels: tf.Tensor4D;
  readonly labels: Int32Array;
}

/**
 * How many images the model (with other FFN blocks, if given) gets right by its most likely class.
 * Disposes the batches' pixels. @throws the signal's reason when aborted
 */
export async function countCorrect(
  model: VisionTransformer,
  batches: AsyncIterable<LabelledBatch>,
  options: { readonly ffn?: (block: number) => FfnTensors; readonly signal?: AbortSignal } = {},
): Promise<number> {
  let correct = 0;
  for await (const { pixels, labels } of batches) {
    const classes = tf.tidy(() => {
      const { logits } = forward(model, pixels, options.ffn === undefined ? {} : { ffn: options.ffn });
      return tf.argMax(logits, -1);
    });
    const found = classes.dataSync();
    for (let i = 0; i < labels.length; i++) if (found[i] === labels[i]) correct++;
    tf.dispose([pixels, classes]);
    options.signal?.throwIfAborted();
  }
  return correct;
}
