import { join } from 'node:path';
import { fail } from '../util/failure.ts';
import type { Architecture } from '../model/architecture.ts';
import { hintNote } from './hint-note.ts';
import type { ArchitectureHints } from './inspect-options.ts';
import type { StoredCheckpoint } from './locate.ts';
import type { NamedArchitecture } from './named-architecture.ts';
import type { Naming } from './naming-contract.ts';
import type { OwnFile } from './own-file.ts';
import { isNormLast, poolHints, poolNameOf, poolOfWeights, resolvePool } from './pool.ts';
import { poolOfName, requirePoolOfName } from './pool-of-name.ts';
import type { ShapeFacts } from './shapes.ts';
import type { SideFacts } from './side-facts.ts';

/** What a ViT's head reads. */
export interface FoundPool {
  readonly pool: Architecture['pool'];
  /** Who told it; absent where nobody did. */
  readonly origin?: string;
  /** What is assumed, for people. */
  readonly notes: readonly string[];
}

/** Whose names are the same on both sides of pooling: somebody's own, and OpenCLIP's with `final_ln_after_pool`. */
const silent: readonly string[] = ['pytorch', 'told', 'openclip'];

/**
 * The first source that tells it, of features what a head that is left out would read: the user, a file of our own, the weights, config.json, the architecture's name.
 * @param stored the file with all its heads
 * @param facts of the weights
 * @param sources `given`: the name, where the user says it
 * @throws BlockForgeError `checkpoint-unsupported`: none tells it and it must be told, or two contradict each other
 */
export function findPool(
  stored: StoredCheckpoint,
  naming: Naming,
  facts: Omit<ShapeFacts, 'imageSize'>,
  sources: {
    readonly hints?: ArchitectureHints | undefined;
    readonly own: OwnFile | undefined;
    readonly side: Pick<SideFacts, 'pool' | 'isPoolDoubtful'>;
    readonly named: NamedArchitecture | undefined;
    readonly given: string | undefined;
    readonly name: string | undefined;
  },
): FoundPool {
  const { hints, own, side, named, given, name } = sources;
  const nameSays = poolOfName(named, naming);
  const weightsSay = own === undefined ? poolOfWeights(stored, naming, facts) : undefined;
  const isAttended = hints?.pool === 'attention' && weightsSay === 'patch-attention';
  const hint = isAttended ? weightsSay : hints?.pool;
  const others = [
    ['the file itself', own && poolNameOf(own.untold.pool)],
    ['the weights', weightsSay],
    ['config.json', side.pool],
    [`architecture "${name}"`, nameSays],
  ] as const;
  const pooling =
    resolvePool(
      [['teacher.hints', hint], ...others],
      own === undefined ? naming.isNormAfterPool : isNormLast(own.untold.pool),
    ) ?? refuseUnknownPool(stored);
  const isDoubtful = side.isPoolDoubtful === true && nameSays !== side.pool;
  if (isDoubtful && pooling.origin === 'config.json' && !naming.isNormAfterPool) refuseDoubtfulPool(stored);
  requirePoolOfName(stored.path, named, given, pooling, naming);
  const isOpen =
    silent.includes(naming.name) &&
    hints?.normAfterPool === undefined &&
    nameSays === undefined &&
    (pooling.pool === 'normed-mean' || pooling.pool === 'normed-max');
  const isPair = pooling.pool === 'class-and-mean' && pooling.origin === 'the weights';
  const notes = [
    ...hintNote('pool', hint, others),
    ...(isOpen
      ? [
          'nothing tells on which side of pooling the last norm stands: before it is assumed; else teacher.hints.normAfterPool: true',
        ]
      : []),
    ...(isPair && naming.name !== 'huggingface'
      ? ['the head takes twice the width: the class token, then the mean of the patches, is assumed']
      : []),
  ];
  return { ...pooling, notes };
}

function refuseUnknownPool({ path }: StoredCheckpoint): never {
  return fail({
    reason: 'checkpoint-unsupported',
    subject: path,
    found: 'a norm after pooling (fc_norm), and nothing tells which tokens are pooled',
    expected: 'the config.json that belongs to it, with its global_pool',
    next: poolHints,
  });
}

/** timm's own loader builds the model without it: what was trained with it is then another model. */
function refuseDoubtfulPool({ folder }: StoredCheckpoint): never {
  return fail({
    reason: 'checkpoint-unsupported',
    subject: join(folder, 'config.json'),
    found:
      'global_pool "avg" beside the model and not in model_args: timm would load a head of the class token',
    expected: 'what the head was trained to read',
    next: poolHints,
  });
}
