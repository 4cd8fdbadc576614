import * as tf from '@tensorflow/tfjs-core';
import { addBias, attention, layerNorm, linear, mergeHeads, patchify, splitHeads } from '../tensor/ops.ts';
import { blockName, type Architecture } from './architecture.ts';
import { applyFfn, type FfnTensors } from './ffn-tensors.ts';

export { applyFfn, disposeFfn, downloadFfn, uploadFfn, type FfnTensors } from './ffn-tensors.ts';
export { downloadWeights, uploadTeacher, uploadWeights, type VisionTransformer } from './upload.ts';
export { hostFfn } from './host-weights.ts';

/** What the forward pass needs of a model: tensors by canonical name, kernels [in, out]. Owned by someone else. */
export interface ModelTensors {
  readonly architecture: Architecture;
  readonly weights: Readonly<Record<string, tf.Tensor>>;
}

// Pre-norm ViT (Dosovitskiy et al. 2021, section 3.1). Each function returns a tensor that its caller disposes.
// B batch, T tokens (the class token first), D width.

/** pixels [B, S, S, C], normalised -> [B, T, D]: patches, class token, learned positions. */
export function embed(model: ModelTensors, pixels: tf.Tensor): tf.Tensor {
  const { architecture, weights } = model;
  const { patchSize, width } = architecture;
  return tf.tidy(() => {
    const batch = pixels.shape[0];
    const patches = linear(
      patchify(pixels, patchSize),
      weights['patch_embed.proj.weight'],
      weights['patch_embed.proj.bias'],
    );
    const classToken = tf.add(tf.zeros([batch, 1, width]), weights['cls_token']);
    const tokens = tf.concat([classToken, patches], 1);
    // As one long row per image, positions are a bias, whose gradient is cheap.
    const positions = tf.reshape(weights['pos_embed'], [-1]);
    return tf.reshape(addBias(tf.reshape(tokens, [batch, -1]), positions), tokens.shape);
  });
}

/** x [B, T, D] -> `x + attention(LN1 x)`. */
export function attentionBranch(model: ModelTensors, index: number, x: tf.Tensor): tf.Tensor {
  const { architecture, weights } = model;
  const block = `blocks.${index}`;
  return tf.tidy(() => {
    const z = norm(model, `${block}.norm1`, x);
    const qkv = linear(z, weights[`${block}.attn.qkv.weight`], weights[`${block}.attn.qkv.bias`]);
    const heads = mergeHeads(attention(...splitHeads(qkv, architecture.heads)));
    return tf.add(x, linear(heads, weights[`${block}.attn.proj.weight`], weights[`${block}.attn.proj.bias`]));
  });
}

/** x [..., D], after the attention branch -> `LN2 x`, what the FFN block is applied to. */
export function ffnInput(model: ModelTensors, index: number, x: tf.Tensor): tf.Tensor {
  return norm(model, `blocks.${index}.norm2`, x);
}

/** The teacher's own tensors of a block: not to be disposed. */
export function teacherFfn({ weights }: ModelTensors, index: number): FfnTensors {
  const mlp = `blocks.${index}.mlp`;
  return {
    fc1Kernel: weights[`${mlp}.fc1.weight`],
    fc1Bias: weights[`${mlp}.fc1.bias`],
    fc2Kernel: weights[`${mlp}.fc2.weight`],
    fc2Bias: weights[`${mlp}.fc2.bias`],
  };
}

/** x [B, T, D], or its class tokens [B, 1, D] -> logits [B, classes]: final norm on the class token only. */
export function head(model: ModelTensors, x: tf.Tensor): tf.Tensor2D {
  return tf.tidy(() => classify(model, normalisedClassToken(model, x)));
}

/** One whole encoder layer with `ffn` as its FFN block. x [B, T, D] -> [B, T, D]. */
export function encoderLayer(model: ModelTensors, index: number, x: tf.Tensor, ffn: FfnTensors): tf.Tensor {
  return tf.tidy(() => addFfn(model, index, attentionBranch(model, index, x), ffn));
}

/**
 * The last encoder layer where only the logits matter: keys and values of every token, but the class token's query and
 * FFN alone. x [B, T, D] -> [B, 1, D], which `head` takes. Saves about three quarters of that layer's arithmetic.
 */
export function lastEncoderLayer(model: ModelTensors, x: tf.Tensor, ffn: FfnTensors): tf.Tensor {
  const { architecture, weights } = model;
  const { width, heads, depth } = architecture;
  const index = depth - 1;
  const attn = `blocks.${index}.attn`;
  return tf.tidy(() => {
    const [batch, tokens] = x.shape as [number, number, number];
    const z = norm(model, `blocks.${index}.norm1`, x);
    const [queryKernel, otherKernels] = tf.split(weights[`${attn}.qkv.weight`], [width, 2 * width], 1);
    const [queryBias, otherBiases] = tf.split(weights[`${attn}.qkv.bias`], [width, 2 * width]);
    const query = linear(firstToken(z), queryKernel, queryBias);
    const keysValues = linear(z, otherKernels, otherBiases);
    const size = width / heads;
    const perHead = tf.transpose(tf.reshape(keysValues, [batch, tokens, 2 * heads, size]), [0, 2, 1, 3]);
    const [k, v] = tf.split(perHead, 2, 1);
    const mixed = attention(tf.reshape(query, [batch, heads, 1, size]), k, v);
    const rows = tf.reshape(mixed, [batch, 1, width]);
    const branch = linear(rows, weights[`${attn}.proj.weight`], weights[`${attn}.proj.bias`]);
    return addFfn(model, index, tf.add(firstToken(x), branch), ffn);
  });
}

/** A feature's name: `embedding`, `class-token`, or a block's part. */
export type FeatureName =
  | 'embedding'
  | 'class-token'
  | `block-${string}.attention.output`
  | `block-${string}.ffn.input`
  | `block-${string}.ffn.output`
  | `block-${string}.output`;

export interface ForwardOptions {
  /** The FFN block to use in layer i; default: the teacher's own. Not disposed here. */
  readonly ffn?: (index: number) => FfnTensors;
  /**
   * Features to return: `embedding` [B, T, D]; per block `block-03.attention.output` (residual stream after attention),
   * `.ffn.input` (LN2 output), `.ffn.output` (before the residual add), `.output`, each [B, T, D];
   * `class-token` [B, D], after the final norm.
   */
  readonly capture?: readonly FeatureName[];
}

/**
 * pixels [B, S, S, C] -> logits [B, classes] and the captured features by name; caller disposes all of them.
 * Where nothing of the last layer is captured, only its class token is computed.
 */
export function forward(
  model: ModelTensors,
  pixels: tf.Tensor,
  options: ForwardOptions = {},
): { logits: tf.Tensor2D; features: Record<string, tf.Tensor> } {
  const { depth, gelu } = model.architecture;
  const { ffn = (index) => teacherFfn(model, index), capture = [] } = options;
  const wanted = new Set<string>(capture);
  return tf.tidy(() => {
    const features: Record<string, tf.Tensor> = {};
    const note = (name: string, value: tf.Tensor): tf.Tensor => {
      if (wanted.delete(name)) features[name] = value;
      return value;
    };
    let x = note('embedding', embed(model, pixels));
    for (let index = 0; index < depth; index++) {
      const name = blockName(index);
      const captured = [...wanted].some((feature) => feature.startsWith(`${name}.`));
      if (captured) {
        x = note(`${name}.attention.output`, attentionBranch(model, index, x));
        const z = note(`${name}.ffn.input`, ffnInput(model, index, x));
        x = note(`${name}.output`, tf.add(x, note(`${name}.ffn.output`, applyFfn(ffn(index), z, gelu))));
      } else if (index === depth - 1) {
        x = lastEncoderLayer(model, x, ffn(index));
      } else {
        x = encoderLayer(model, index, x, ffn(index));
      }
    }
    const classToken = note('class-token', normalisedClassToken(model, x));
    if (wanted.size > 0) throw new RangeError(`no feature named ${[...wanted].join(', ')}`);
    return { logits: classify(model, classToken), features };
  });
}

/**
 * The forward pass for training all weights, inside `tf.grads` or `tf.variableGrads`.
 * `weights` as `uploadWeights` makes them. pixels [B, S, S, C] -> logits [B, classes]; caller disposes.
 */
export function trainableForward(
  weights: Readonly<Record<string, tf.Tensor>>,
  architecture: Architecture,
  pixels: tf.Tensor,
): tf.Tensor2D {
  return forward({ architecture, weights }, pixels).logits;
}

function norm({ architecture, weights }: ModelTensors, name: string, x: tf.Tensor): tf.Tensor {
  return layerNorm(x, weights[`${name}.weight`], weights[`${name}.bias`], architecture.layerNormEpsilon);
}

function addFfn(model: ModelTensors, index: number, x: tf.Tensor, ffn: FfnTensors): tf.Tensor {
  return tf.add(x, applyFfn(ffn, ffnInput(model, index, x), model.architecture.gelu));
}

function firstToken(x: tf.Tensor): tf.Tensor {
  return tf.slice(x, [0, 0, 0], [-1, 1, -1]);
}

function normalisedClassToken(model: ModelTensors, x: tf.Tensor): tf.Tensor {
  return norm(model, 'norm', tf.reshape(firstToken(x), [x.shape[0], x.shape[2] as number]));
}

function classify({ weights }: ModelTensors, classToken: tf.Tensor): tf.Tensor2D {
  return linear(classToken, weights['head.weight'], weights['head.bias']) as tf.Tensor2D;
}
