import type { Architecture, Family } from './family.ts';
import { extentOf } from './image-size.ts';
import { relativePositionCount, relativeTable } from './relative-positions.ts';
import { attentionPoolMacs, attentionPoolShapes, isAttentionPool } from './attention-pool.ts';

type Shapes = Record<string, readonly number[]>;

/**
 * The pre-norm ViT (Dosovitskiy et al. 2021, section 3.1) with learned positions and a linear head, and what has been made of it since:
 * without a class token, with registers behind it, with a norm before the blocks, with rotary positions or biases of relative positions
 * beside the learned ones, and with heads that read the class token, the patches or both (`pool`), also through a layer with tanh (`representation`; Dosovitskiy et al.,
 * section 3.1, while pre-training).
 */
export const vitFamily: Family = {
  name: 'vit',
  title: 'Vision Transformer',
  problem,
  prefixTokens: (architecture) => classTokens(architecture) + (architecture.registers ?? 0),
  lastBlockTokens: (architecture) =>
    architecture.pool === undefined ? 1 : patches(architecture) + vitFamily.prefixTokens(architecture),
  featureWidth: (architecture) => architecture.representation ?? pooledWidth(architecture),
  shapes(architecture) {
    const { depth, width, classes, pool, representation } = architecture;
    const shapes = { ...embeddingShapes(architecture) };
    for (let i = 0; i < depth; i++) Object.assign(shapes, blockShapes(architecture, i));
    if (pool !== 'unnormed-mean') Object.assign(shapes, layer('norm', [width]));
    if (isAttentionPool(pool)) Object.assign(shapes, attentionPoolShapes(architecture));
    const taken = pooledWidth(architecture);
    if (representation !== undefined) Object.assign(shapes, layer('pre_logits', [representation, taken]));
    return { ...shapes, ...layer('head', [classes, representation ?? taken]) };
  },
  frameMacs(architecture) {
    const { representation, classes, pool } = architecture;
    const taken = pooledWidth(architecture);
    const heads = representation === undefined ? taken * classes : representation * (taken + classes);
    const seen = pool === 'patch-attention' ? patches(architecture) : tokens(architecture);
    const pooling = isAttentionPool(pool) ? attentionPoolMacs(architecture, seen) : 0;
    return encoderMacs(architecture, tokens(architecture)) + pooling + heads;
  },
};

/** Of the patch embedding and the attentions, with so many tokens. */
export function encoderMacs(architecture: Architecture, tokens: number): number {
  const { width, depth, patchSize, channels } = architecture;
  const embedding = patches(architecture) * patchSize ** 2 * channels * width;
  // q, k, v and the output projection, then the scores and the weighted sum of values.
  return embedding + depth * (tokens * 4 * width ** 2 + 2 * tokens ** 2 * width);
}

function problem({
  classToken,
  pool,
  registers,
  tokenizer,
  heads,
  width,
  rotary,
  relativePositionBias,
}: Architecture): string | undefined {
  if (tokenizer !== undefined) return 'has a tokenizer: only a cct has one';
  if (classToken === false && (pool === undefined || pool === 'class-and-mean')) {
    return 'has no class token, which its head reads: pool says what it reads instead';
  }
  if (registers === 0) return 'has 0 registers: leave them out';
  if (rotary === true && (width / heads) % 4 !== 0)
    return 'has rotary positions and heads that are no multiple of 4';
  if (relativePositionBias === true && (classToken === false || registers !== undefined))
    return 'has biases of relative positions, and not a class token alone before its patches';
  return undefined;
}

/** Tokens, positions, which registers have none of, the embedding of the patches and a norm behind it. */
function embeddingShapes(architecture: Architecture): Shapes {
  const { patchSize, channels, width, heads, registers, normPre, rotary } = architecture;
  const table = [1, tokens(architecture), width / heads];
  return {
    ...(classTokens(architecture) > 0 && { cls_token: [1, 1, width] }),
    ...(registers !== undefined && { reg_token: [1, registers, width] }),
    pos_embed: [1, patches(architecture) + classTokens(architecture), width],
    ...(rotary === true && { 'rotary.cos': table, 'rotary.sin': table }),
    ...layer('patch_embed.proj', [width, channels, patchSize, patchSize]),
    ...(normPre === true && layer('norm_pre', [width])),
  };
}

function blockShapes(architecture: Architecture, index: number): Shapes {
  const { width, hidden, gated, relativePositionBias } = architecture;
  const layers: readonly (readonly [string, readonly number[]])[] = [
    ['norm1', [width]],
    ['attn.qkv', [3 * width, width]],
    ['attn.proj', [width, width]],
    ['norm2', [width]],
    ['mlp.fc1', [hidden, width]],
    ...(gated === true ? [['mlp.gate', [hidden, width]] as const] : []),
    ['mlp.fc2', [width, hidden]],
  ];
  return Object.assign(
    relativePositionBias === true ? { [relativeTable(index)]: tableShape(architecture) } : {},
    ...layers.map(([name, shape]) => layer(`blocks.${index}.${name}`, shape)),
  ) as Shapes;
}

/** Of the biases of relative positions. */
function tableShape({ imageSize, patchSize, heads }: Architecture): readonly number[] {
  const { height, width } = extentOf(imageSize);
  return [relativePositionCount(height / patchSize, width / patchSize), heads];
}

/** A weight of that shape and its bias. */
export function layer(name: string, shape: readonly number[]): Shapes {
  return { [`${name}.weight`]: shape, [`${name}.bias`]: [shape[0]!] };
}

/** Of what `pool` makes of the tokens. */
function pooledWidth({ pool, width }: Architecture): number {
  return pool === 'class-and-mean' ? 2 * width : width;
}

function classTokens({ classToken }: Architecture): number {
  return classToken === false ? 0 : 1;
}

function tokens(architecture: Architecture): number {
  return patches(architecture) + vitFamily.prefixTokens(architecture);
}

function patches({ imageSize, patchSize }: Architecture): number {
  const { height, width } = extentOf(imageSize);
  return (height / patchSize) * (width / patchSize);
}
