import { isDefaultFamily, type Architecture } from '../model/architecture.ts';
import { fail } from '../util/failure.ts';

/** What a head reads, as people say it; the weights tell whether the last norm comes before or after the mean. */
export type PoolName = 'class-token' | 'mean';

export const poolHints =
  'teacher.hints.pool: class-token or mean (of the patches: timm\'s global_pool "avg")';

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
  return { pool: name === 'mean' ? (isNormAfter ? 'mean' : 'normed-mean') : undefined, origin };
}

/**
 * Of other families than the ViT the heads read what they read.
 * @param isNormAfter as `resolvePool`
 * @throws BlockForgeError `checkpoint-unsupported`
 */
export function requirePoolOf(
  path: string,
  { family, pool }: Pick<Architecture, 'family' | 'pool'>,
  isNormAfter: boolean,
): void {
  if (isDefaultFamily(family) || (pool === undefined && !isNormAfter)) return;
  fail({
    reason: 'checkpoint-unsupported',
    subject: path,
    found: `a model of the family ${family} whose head reads the mean of the patches, or with a norm after pooling (fc_norm)`,
    expected: 'heads that read their own tokens, behind one norm (class-token)',
  });
}

/** Of a file of our own, which tells the whole. */
export function poolNameOf(pool: Architecture['pool']): PoolName {
  return pool === undefined ? 'class-token' : 'mean';
}
