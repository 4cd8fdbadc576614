import * as tf from '@tensorflow/tfjs-core';
import { gelu, linear } from '../tensor/ops.ts';
import { attentionBranch, embed, ffnInput, teacherFfn, type VisionTransformer } from '../model/vit.ts';

/** What one FFN block sees and makes of the sampled tokens of a batch. */
export interface BlockTokens {
  /** LayerNorm output, fc1's input [n, D] */
  readonly input: tf.Tensor2D;
  /** GELU output [n, H] */
  readonly hidden: tf.Tensor2D;
}

/**
 * One teacher forward pass over `pixels` [B, S, S, C] that shows every block's sampled tokens to `visit` on the way.
 * `rows` are indices into the B*T tokens of the batch, the same for every block. The tensors handed to `visit` live
 * until it returns; it disposes nothing and keeps nothing. Costs one forward pass and a row gather per block.
 */
export function visitBlocks(
  model: VisionTransformer,
  pixels: tf.Tensor4D,
  rows: Int32Array,
  visit: (block: number, tokens: BlockTokens) => void,
): void {
  const { architecture } = model;
  let x = embed(model, pixels);
  for (let block = 0; block < architecture.depth; block++) {
    const next = tf.tidy((): tf.Tensor => {
      const afterAttention = attentionBranch(model, block, x);
      const ffn = teacherFfn(model, block);
      const z = tf.reshape(ffnInput(model, block, afterAttention), [-1, architecture.width]);
      const sampledRows = tf.tensor1d(rows, 'int32');
      const input = tf.gather(z, sampledRows) as tf.Tensor2D;
      const hidden = gelu(linear(z, ffn.fc1Kernel, ffn.fc1Bias), architecture.gelu);
      visit(block, { input, hidden: tf.gather(hidden, sampledRows) as tf.Tensor2D });
      const y = linear(hidden, ffn.fc2Kernel, ffn.fc2Bias);
      return tf.add(afterAttention, tf.reshape(y, afterAttention.shape));
    });
    x.dispose();
    x = next;
  }
  x.dispose();
}
