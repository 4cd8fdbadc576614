import { isDefaultFamily, type Architecture } from '../model/architecture.ts';
import { isAttentionPool } from '../model/family/attention-pool.ts';
import { fail } from '../util/failure.ts';
import type { StoredCheckpoint } from './locate.ts';
import type { Naming } from './naming-contract.ts';
import type { PoolName } from './pool-name.ts';
import type { ShapeFacts } from './shapes.ts';

export const poolHints =
  'teacher.hints.pool: class-token, mean or max (of the patches: timm\'s global_pool "avg" and "max") or class-and-mean (both side by side)';

/**
 * Pooling as `Architecture` has it, the first source that tells it winning.
 * @param isNormAfter the last norm comes after pooling: timm's `fc_norm`, which a class-token head has only on demand
 * @returns the pooling, undefined for the class token, and who told it; undefined where it must be told and is not
 */
export function resolvePool(
  sources: readonly (readonly [string, PoolName | undefined])[],
  isNormAfter: boolean,
): { pool: Architecture['pool']; origin?: string } | undefined {
  const told = sources.find(([, pool]) => pool !== undefined);
  if (told === undefined) return isNormAfter ? undefined : { pool: undefined };
  const [origin, name] = told;
  if (name === 'mean' || name === 'max') return { pool: isNormAfter ? name : `normed-${name}`, origin };
  return { pool: name === 'class-token' ? undefined : name, origin };
}

/**
 * Of other families than the ViT the heads read what they read; a norm after pooling is known behind one vector of the width alone.
 * @param isNormAfter as `resolvePool`
 * @throws BlockForgeError `checkpoint-unsupported`
 */
export function requirePoolOf(
  path: string,
  { family, pool }: Pick<Architecture, 'family' | 'pool'>,
  isNormAfter: boolean,
): void {
  if (isNormAfter && (isAttentionPool(pool) || pool === 'class-and-mean')) {
    fail({
      reason: 'checkpoint-unsupported',
      subject: path,
      found: `a norm behind pooling (fc_norm) and a head that reads ${pool === 'class-and-mean' ? pool : 'a pooling attention'}`,
      expected: 'such heads on normalised tokens: the last norm before pooling (timm: fc_norm=False)',
    });
  }
  if (isDefaultFamily(family) || (pool === undefined && !isNormAfter)) return;
  fail({
    reason: 'checkpoint-unsupported',
    subject: path,
    found: `a model of the family ${family} whose head reads the mean of the patches, or with a norm after pooling (fc_norm)`,
    expected: 'heads that read their own tokens, behind one norm (class-token)',
  });
}

/**
 * With the last norm where the user says that it is.
 * @throws BlockForgeError `config-invalid` where the names say otherwise
 */
export function withToldNorm(naming: Naming, isNormAfterPool: boolean | undefined): Naming {
  if (isNormAfterPool === false && naming.isNormAfterPool) {
    fail({
      reason: 'config-invalid',
      subject: 'teacher.hints.normAfterPool',
      found: 'false',
      expected: `true, or nothing: ${naming.stored('norm.weight')[0]} is the name of a norm after pooling`,
    });
  }
  return isNormAfterPool === undefined ? naming : { ...naming, isNormAfterPool };
}

/** Whether the last norm comes after pooling. */
export function isNormLast(pool: Architecture['pool']): boolean {
  return pool === 'mean' || pool === 'max';
}

/** As people say it, without where the norm stands. */
export function poolNameOf(pool: Architecture['pool']): PoolName {
  if (pool === 'mean' || pool === 'normed-mean') return 'mean';
  if (pool === 'max' || pool === 'normed-max') return 'max';
  return pool ?? 'class-token';
}

/** Where names and tensors tell it: a class that pools in its own way, a pooling attention is there, or the head takes the class token and a mean beside it. */
export function poolOfWeights(
  { tensors }: StoredCheckpoint,
  naming: Naming,
  { width, classToken, registers, rotary }: Omit<ShapeFacts, 'imageSize'>,
): PoolName | undefined {
  if (naming.pool !== undefined) return naming.pool;
  if (tensors.has(naming.stored('attn_pool.latent')[0] ?? '')) {
    // timm's `VisionTransformer` cuts off what stands before the patches. Its `Eva` does not: rotary, or with names that it alone has.
    const [bias = ''] = naming.stored('blocks.0.attn.qkv.bias');
    const isEva = rotary === true || naming.isRotary === true || /\.q_(?:bias|proj\.bias)$/.test(bias);
    const isCut = classToken !== false || registers !== undefined;
    return isCut && !isEva ? 'patch-attention' : 'attention';
  }
  if (naming.isHeadTransposed === true) return undefined;
  const [first = ''] = ['pre_logits.weight', 'head.weight']
    .flatMap((canonical) => naming.stored(canonical))
    .filter((name) => tensors.has(name));
  return tensors.get(first)?.shape[1] === 2 * width ? 'class-and-mean' : undefined;
}
