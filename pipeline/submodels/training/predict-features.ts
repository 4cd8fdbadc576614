import { setImmediate as nextTurn } from 'node:timers/promises';
import type * as tf from '@tensorflow/tfjs-core';
import type { ModelTensors } from '../../model/backbone.ts';
import { forward } from '../../model/encoder.ts';
import { recorded } from '../../tensor/recorded/recorded.ts';

/** What a model says of a batch of B images, on the host. */
export interface Predicted {
  readonly count: number;
  /** [B, D']: what the last layer takes. */
  readonly features: Float32Array;
  /** [B, outputs] */
  readonly logits: Float32Array;
}

/**
 * Pooled features and logits, batch after batch. Takes over the batches' pixels [B, S, S, C], normalised; the model
 * stays the caller's.
 */
export async function* predictFeatures(
  model: ModelTensors,
  batches: AsyncIterable<tf.Tensor4D>,
): AsyncGenerator<Predicted, void, undefined> {
  for await (const pixels of batches) {
    await nextTurn();
    const [features, logits] = featuresAndLogits(model, pixels);
    pixels.dispose();
    const predicted = {
      count: logits.shape[0],
      features: await features.data<'float32'>(),
      logits: await logits.data<'float32'>(),
    };
    features.dispose();
    logits.dispose();
    yield predicted;
  }
}

/** pixels [B, S, S, C] -> [B, D'] and [B, outputs]. Caller disposes. */
export function featuresAndLogits(
  { architecture, weights }: ModelTensors,
  pixels: tf.Tensor4D,
): readonly [features: tf.Tensor, logits: tf.Tensor] {
  const names = Object.keys(weights);
  const [features, logits] = recorded(
    `features and logits ${JSON.stringify(architecture)} ${names.join()}`,
    [pixels, ...names.map((name) => weights[name]!)],
    ([pixels, ...values]) => {
      const own = Object.fromEntries(names.map((name, index) => [name, values[index]!]));
      const { features, logits } = forward({ architecture, weights: own }, pixels, { capture: ['pooled'] });
      return [features.pooled, logits];
    },
  );
  return [features, logits as tf.Tensor];
}
