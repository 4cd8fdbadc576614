import * as tf from '@tensorflow/tfjs-core';
import type { ModelTensors } from '../model/backbone.ts';
import { nextMixed } from '../model/encoder.ts';
import type { FfnTensors } from '../model/ffn-tensors.ts';
import { pack, unpack, type PackedTensors } from './packed-stream.ts';

/**
 * Takes the mixed stream of `images` images from block `from` to block `to`, through the FFN blocks that `ffnOf` gives and the
 * next block's attention. It is rounded to 16 bits before every block, so it is the same whether it has been kept there or
 * not. Caller disposes; where the blocks are the same, the result is the stream itself.
 */
export function advance(
  model: ModelTensors,
  stream: PackedTensors,
  images: number,
  { from, to, ffnOf }: { from: number; to: number; ffnOf: (block: number) => FfnTensors },
): PackedTensors {
  return tf.tidy(() => {
    let now = stream;
    for (let block = from; block < to; block++) {
      const before = now;
      now = tf.tidy(() => {
        const x = unpack(before);
        const [rows, width] = x.shape;
        const mixed = nextMixed(model, block, tf.reshape(x, [images, rows / images, width]), ffnOf(block));
        return pack(tf.reshape(mixed, [-1, mixed.shape[2]!]));
      });
      if (before !== stream) tf.dispose([before.values, before.scales]);
    }
    return now;
  });
}
