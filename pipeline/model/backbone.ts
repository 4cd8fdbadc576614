import type * as tf from '@tensorflow/tfjs-core';
import type { Architecture, Family } from './family/family.ts';

/** What a forward pass needs of a model: tensors by canonical name, kernels [in, out]. Owned by someone else. */
export interface ModelTensors {
  readonly architecture: Architecture;
  readonly weights: Readonly<Record<string, tf.Tensor>>;
}

/**
 * How a family computes, cut where block-wise work must reach in: around the FFN blocks. `encoder.ts` puts the parts
 * together, and nobody else does. B batch, T tokens (the prefix first), D width. Every function is differentiable and
 * returns a tensor that its caller disposes.
 *
 * What all families share is not here: the FFN itself (`ffn-tensors.ts`), and that a block is mixing, then an FFN.
 */
export interface Backbone {
  readonly family: Family;
  /** Whether a block's number chooses its weights and nothing else, so that what is recorded of one holds for all. Default: no. */
  readonly blocksAlike?: boolean;
  /** All that a block's computation reads of an architecture beside the tensors, in words. Default: the architecture, and the number unless `blocksAlike`. */
  readonly blockKey?: (architecture: Architecture, block: number) => string;
  /** Tensors outside of the blocks that every block's mixing reads. Default: none. */
  readonly shared?: readonly string[];
  /** pixels [B, S, S, C], normalised -> [B, T, D] */
  readonly embed: (model: ModelTensors, pixels: tf.Tensor) => tf.Tensor;
  /** x [B, T, D], what block `block` receives -> the residual stream after its tokens were mixed. */
  readonly mix: (model: ModelTensors, block: number, x: tf.Tensor) => tf.Tensor;
  /** mixed [..., D], the stream after mixing -> what fc1 is applied to. Token by token. */
  readonly ffnInput: (model: ModelTensors, block: number, mixed: tf.Tensor) => tf.Tensor;
  /** The stream after mixing and the FFN's output, both [..., D] -> the stream after the block. Token by token. */
  readonly join: (model: ModelTensors, block: number, mixed: tf.Tensor, output: tf.Tensor) => tf.Tensor;
  /** The last stream [B, T, D], or its `headOnly` rows -> what the head's last layer takes, [B, F] with F = `featureWidth`. */
  readonly pool: (model: ModelTensors, x: tf.Tensor) => tf.Tensor;
  /** pooled [B, F] -> logits [B, classes] */
  readonly classify: (model: ModelTensors, pooled: tf.Tensor) => tf.Tensor2D;
  /** Where there may be several heads, whose mean `classify` gives: the logits [B, classes] of each, that of the class token first. */
  readonly classifyEach?: (model: ModelTensors, pooled: tf.Tensor) => readonly tf.Tensor2D[];
  /**
   * x [B, T, D], what block `block` receives -> its queries, keys and values before scaling, each [B, T, h * size], heads side by
   * side: what token relations are taken of (Xu et al., "DeViT", 2024, section 4.2). Absent where blocks have no attention.
   */
  readonly relationInputs?: (
    model: ModelTensors,
    block: number,
    x: tf.Tensor,
  ) => [tf.Tensor, tf.Tensor, tf.Tensor];
  /** Where the head reads P < T tokens, the last block can be had for them alone; absent or undefined where it reads all. */
  readonly headOnly?: (architecture: Architecture) => HeadOnly | undefined;
}

export interface HeadOnly {
  /** x [B, T, D] -> [B, P, D] */
  readonly rows: (x: tf.Tensor) => tf.Tensor;
  /** As `mix` of the last block, then `rows`, without computing the others. [B, T, D] -> [B, P, D] */
  readonly mix: (model: ModelTensors, x: tf.Tensor) => tf.Tensor;
}
