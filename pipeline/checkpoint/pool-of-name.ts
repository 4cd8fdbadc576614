import type { Architecture } from '../model/architecture.ts';
import { fail } from '../util/failure.ts';
import type { NamedArchitecture } from './named-architecture.ts';
import type { Naming } from './naming.ts';
import { isNormLast, poolNameOf } from './pool.ts';
import type { PoolName } from './pool-name.ts';

/** Other libraries' classes read what they read, whatever timm makes of the same weights. */
const others: readonly string[] = ['huggingface', 'torchvision', 'openclip'];

/**
 * What a published name says that the head reads; undefined where its model has the last norm on the other side of the pooling than the
 * file, whose head then is another.
 */
export function poolOfName(named: NamedArchitecture | undefined, naming: Naming): PoolName | undefined {
  if (named === undefined || others.includes(naming.name)) return undefined;
  const { pool } = named.facts;
  return isNormLast(pool) === naming.isNormAfterPool ? poolNameOf(pool) : undefined;
}

/**
 * Refuses a file that says otherwise than the name. timm's config.json says its own beside the name, which goes first.
 * @param given the name, where the user says it
 * @param told the pooling that was found, and who told it
 * @throws BlockForgeError `checkpoint-unsupported`
 */
export function requirePoolOfName(
  path: string,
  named: NamedArchitecture | undefined,
  given: string | undefined,
  { pool, origin }: { readonly pool: Architecture['pool']; readonly origin?: string },
  naming: Naming,
): void {
  if (named === undefined || others.includes(naming.name) || origin === 'teacher.hints') return;
  // No name means both side by side: that head is somebody else's, and the name that of what it stands on.
  if (pool === named.facts.pool || pool === 'class-and-mean') return;
  if (given === undefined && origin !== undefined) return;
  fail({
    reason: 'checkpoint-unsupported',
    subject: path,
    found: `pool ${pool ?? 'class-token'} (from ${origin ?? 'where its last norm stands'})`,
    expected: `pool ${named.facts.pool ?? 'class-token'}, which ${given === undefined ? 'the architecture in config.json' : `"${given}"`} means`,
    next:
      given === undefined
        ? 'correct config.json beside the weights, or teacher.hints.pool says it'
        : 'correct or remove teacher.architecture, or teacher.hints.pool says it',
  });
}
