/**
 * The one walk through an encoder, for every family. Forward passes, statistics, gradients, residual streams and sweeps
 * all go through here and differ in where they enter, which features they look at, and which FFN blocks they exchange.
 * B batch, T tokens (the prefix first), D width, H hidden units.
 */
import * as tf from '@tensorflow/tfjs-core';
import { blockName } from './architecture.ts';
import type { ModelTensors } from './backbone.ts';
import { backboneOf } from './backbones.ts';
import { teacherFfn, type FfnTensors } from './ffn-tensors.ts';
import { ffnFeatures, finishBlock, mixForHead, mixTokens, type BlockFeatures } from './parts.ts';

export { ffnFeatures, type BlockFeatures } from './parts.ts';

/** A feature of a forward pass: the embedding, what the head's last layer takes, or a block's. */
export type FeatureName = 'embedding' | 'pooled' | `block-${string}.${keyof BlockFeatures}`;

type FfnOf = (block: number) => FfnTensors;

/** A whole block. x [B, T, D]. As `ffnFeatures`. */
export function blockFeatures(
  model: ModelTensors,
  block: number,
  x: tf.Tensor,
  ffn: FfnTensors,
): BlockFeatures {
  return ffnFeatures(model, block, mixTokens(model, block, x), ffn);
}

export interface WalkOptions {
  /** The FFN block to use in layer i; default: the teacher's own. Not disposed here. */
  readonly ffn?: FfnOf | undefined;
  /** The block that receives x; default the first. */
  readonly from?: number | undefined;
  /** Whether the last block may be computed for those tokens alone that the head reads. Default: no. */
  readonly headOnly?: boolean | undefined;
  /** Shown every block's features; they live until it returns, but for those that it returns: these are its caller's. */
  readonly visit?: ((block: number, features: BlockFeatures) => readonly tf.Tensor[]) | undefined;
}

/**
 * Takes the stream x [B, T, D] through the blocks -> [B, T, D], or with `headOnly` the rows that the head reads. Takes
 * over x. Between two blocks only the stream is kept.
 */
export function walkBlocks(model: ModelTensors, x: tf.Tensor, options: WalkOptions = {}): tf.Tensor {
  const { ffn = (block: number) => teacherFfn(model, block), from = 0, headOnly = false, visit } = options;
  const { depth } = model.architecture;
  let stream = x;
  let isKept = false;
  for (let block = from; block < depth; block++) {
    const before = stream;
    const [output, ...kept] = tf.tidy((): [tf.Tensor, ...tf.Tensor[]] => {
      const mixed = headOnly ? mixForLogits(model, block, before) : mixTokens(model, block, before);
      if (visit === undefined) return [finishBlock(model, block, mixed, ffn(block))];
      const features = ffnFeatures(model, block, mixed, ffn(block));
      return [features.output, ...visit(block, features)];
    });
    if (!isKept) before.dispose();
    isKept = kept.includes(output);
    stream = output;
  }
  return stream;
}

/**
 * x [B, T, D], what block `block` receives -> its mixed stream [B, T, D]; of the last block, for the P rows alone that the head
 * reads. Caller disposes.
 */
export function mixForLogits(model: ModelTensors, block: number, x: tf.Tensor): tf.Tensor {
  const { architecture } = model;
  const shortcut =
    block === architecture.depth - 1 ? backboneOf(architecture).headOnly?.(architecture) : undefined;
  return shortcut === undefined ? mixTokens(model, block, x) : mixForHead(model, x, shortcut);
}

/** pixels [B, S, S, C] -> the stream after the first block's mixing, which no FFN block has touched. Caller disposes. */
export function enterEncoder(model: ModelTensors, pixels: tf.Tensor): tf.Tensor {
  const { embed } = backboneOf(model.architecture);
  return tf.tidy(() => mixTokens(model, 0, embed(model, pixels)));
}

/** From the mixed stream [B, T, D] of `block` through its FFN to the mixed stream of the next. Caller disposes. */
export function nextMixed(model: ModelTensors, block: number, mixed: tf.Tensor, ffn: FfnTensors): tf.Tensor {
  return tf.tidy(() => mixTokens(model, block + 1, finishBlock(model, block, mixed, ffn)));
}

/** From the mixed stream of `block` to the logits [B, classes]; of the last block, `headRows` will do. Caller disposes. */
export function logitsFrom(model: ModelTensors, block: number, mixed: tf.Tensor, ffn: FfnOf): tf.Tensor2D {
  return tf.tidy(() => {
    const x = finishBlock(model, block, mixed, ffn(block));
    return head(model, walkBlocks(model, x, { ffn, from: block + 1, headOnly: true }));
  });
}

/** Of a stream [B, T, D] what the head reads [B, P, D]. Caller disposes. */
export function headRows({ architecture }: ModelTensors, x: tf.Tensor): tf.Tensor {
  return backboneOf(architecture).headOnly?.(architecture)?.rows(x) ?? tf.clone(x);
}

/** The last stream [B, T, D], or its `headRows` -> logits [B, classes]. Caller disposes. */
export function head(model: ModelTensors, x: tf.Tensor): tf.Tensor2D {
  const { pool } = backboneOf(model.architecture);
  return tf.tidy(() => answerOf(model, pool(model, x)));
}

/** pooled [B, F] -> the model's answer [B, classes]: logits, a projection, or without a head the same again. Caller disposes. */
function answerOf(model: ModelTensors, pooled: tf.Tensor): tf.Tensor2D {
  const { architecture } = model;
  return architecture.answer === 'pooled'
    ? tf.clone(pooled as tf.Tensor2D)
    : backboneOf(architecture).classify(model, pooled);
}

export interface ForwardOptions<Name extends FeatureName> extends Pick<WalkOptions, 'ffn'> {
  /** Features to return: `embedding` [B, T, D], `pooled` [B, D], `block-03.ffn.input` and so on as `BlockFeatures` has them. */
  readonly capture?: readonly Name[] | undefined;
}

/**
 * pixels [B, S, S, C] -> logits [B, classes] and the captured features by name; caller disposes all of them.
 * Where nothing of the last block is captured, only the tokens that the head reads are computed there.
 */
export function forward<const Name extends FeatureName = never>(
  model: ModelTensors,
  pixels: tf.Tensor,
  { ffn, capture = [] }: ForwardOptions<Name> = {},
): { logits: tf.Tensor2D; features: Record<Name, tf.Tensor> } {
  const { embed, pool } = backboneOf(model.architecture);
  const wanted = new Set<string>(capture);
  const isWanted = (block: number): boolean =>
    [...wanted].some((name) => name.startsWith(`${blockName(block)}.`));
  const lastWanted = isWanted(model.architecture.depth - 1);
  // What nobody looks at need not leave the engine's one operation.
  const looks = capture.some((name) => name.startsWith('block-'));
  return tf.tidy(() => {
    const features: Record<string, tf.Tensor> = {};
    const note = (name: string, value: tf.Tensor): tf.Tensor[] => {
      if (!wanted.delete(name)) return [];
      features[name] = value;
      return [value];
    };
    const embedding = embed(model, pixels);
    const isKept = note('embedding', embedding).length > 0;
    const x = walkBlocks(model, isKept ? tf.clone(embedding) : embedding, {
      ffn,
      headOnly: !lastWanted,
      visit: looks
        ? (block, parts) =>
            isWanted(block)
              ? (Object.entries(parts) as [string, tf.Tensor][]).flatMap(([part, value]) =>
                  note(`${blockName(block)}.${part}`, value),
                )
              : []
        : undefined,
    });
    const pooled = pool(model, x);
    note('pooled', pooled);
    if (wanted.size > 0) throw new RangeError(`no feature named ${[...wanted].join(', ')}`);
    return { logits: answerOf(model, pooled), features };
  });
}
