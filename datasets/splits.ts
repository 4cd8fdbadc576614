import type { Config } from '../pipeline/config/schema.ts';
import { sha256 } from '../pipeline/util/hash.ts';
import type { Sha256 } from '../pipeline/util/hash.ts';
import { random } from '../pipeline/util/random.ts';
import { createAdmission } from './admission.ts';
import type { DrawnSplit, Item, Origin, Source, SplitItem, SplitName, Splits } from './contract.ts';
import { refuseOverlap } from './overlap.ts';
import { openPools } from './pool.ts';
import type { Preparer } from './prepare.ts';
import { refuseFewUsable, refuseTooFew } from './split-sizes.ts';
import { splitSources } from './split-sources.ts';

export interface SplitOptions {
  readonly seed: number;
  /** The teacher is trained here, on everything outside selection and test. */
  readonly needTrain: boolean;
  /** Decodes every image drawn, so that unusable ones are replaced now; without it images are only hashed. */
  readonly preparer?: Preparer;
  /** No more than is needed for this one: the splits that are drawn after it stay empty. */
  readonly until?: DrawnSplit | undefined;
}

/** A job's context fits. */
export interface SplitContext {
  readonly signal?: AbortSignal | undefined;
  readonly progress?: ((progress: { readonly fraction: number; readonly note?: string }) => void) | undefined;
  readonly warn?: ((message: string) => void) | undefined;
}

/**
 * Draws the splits by seeded stratified sampling, each from its part of the source (`splitSources`): test first, then
 * selection, then calibration, so that `test` depends on the seed and its own size only, `selection` also on test's. Where
 * both are drawn from one part of several, selection goes first: then another size of the test changes nothing else. An
 * image that cannot be used, or whose content was drawn already, is replaced by another of its class. Only images that are
 * drawn are read.
 * @throws BlockForgeError `data-invalid` for too few images or too many unusable ones, or a part that is not there,
 * `splits-overlap` for an image whose content is also in another part.
 */
export async function makeSplits(
  source: Source,
  data: Pick<Config['data'], 'splits' | 'maxCorruptShare'>,
  { seed, needTrain, preparer, until }: SplitOptions,
  context: SplitContext = {},
): Promise<Splits> {
  const parts = countParts(source.items);
  const sources = splitSources(data.splits, new Set(parts.keys()), needTrain);
  refuseTooFew(source, sources, parts);
  const order = orderOf(sources, parts.size > 1);
  const drawn = until === undefined ? order : order.slice(0, order.indexOf(until) + 1);

  const [only, second] = parts.keys();
  const trainFrom = parts.has('train') || only === undefined ? 'train' : second === undefined ? only : 'all';
  const beside = order.filter((name) => !needTrain || sources[name].from !== trainFrom);
  const asked =
    beside.reduce((sum, name) => sum + sources[name].images, 0) +
    (needTrain ? (parts.get(trainFrom) ?? source.items.length) : 0);
  let examined = 0;
  const admission = createAdmission({
    source,
    examine: async (item) => (preparer ? preparer.admit(item) : sha256(await source.content(item))),
    allowedCorrupt: Math.floor(data.maxCorruptShare * asked),
    signal: context.signal,
    onExamined: (count) => {
      examined += count;
      context.progress?.({ fraction: Math.min(1, examined / asked), note: `${examined}/${asked} images` });
    },
  });
  const pools = openPools(source.items, (from) =>
    random(seed, 'splits', from === 'all' ? 'all' : `own-${from}`),
  );
  const draw = async (name: DrawnSplit): Promise<SplitItem[]> => {
    const { images: count, from } = sources[name];
    const pool = pools.of(from);
    const ties = random(seed, 'splits', name);
    const kept: SplitItem[] = [];
    let candidates = pool.take(Math.min(count, pool.remaining()), ties);
    while (candidates.length > 0) {
      const { kept: more, refused } = await admission.admit(candidates, name);
      kept.push(...more);
      candidates = refused.map(({ label }) => pool.takeOf(label)).filter((item) => item !== undefined);
      const missing = count - kept.length - candidates.length;
      candidates.push(...pool.take(Math.min(missing, pool.remaining()), ties));
    }
    if (kept.length < count) refuseFewUsable(source, name, kept.length, sources, parts);
    return kept;
  };

  const found: Record<SplitName, SplitItem[]> = { train: [], calibration: [], selection: [], test: [] };
  for (const name of drawn) found[name] = await draw(name);
  if (needTrain && until === undefined) {
    const pool = pools.of(trainFrom);
    const rest = await admission.admit(pool.take(pool.remaining(), random(seed)), 'train');
    found.train = [...(sources.calibration.from === trainFrom ? found.calibration : []), ...rest.kept];
  }

  // Mixed classes in every batch, whatever part of a split is read.
  const mixed = (items: readonly SplitItem[], split: SplitName) =>
    random(seed, 'splits', split, 'mix').shuffle([...items]);
  const items = {
    train: mixed(found.train, 'train'),
    calibration: mixed(found.calibration, 'calibration'),
    selection: mixed(found.selection, 'selection'),
    test: mixed(found.test, 'test'),
  };
  refuseOverlap(items);
  const warning = admission.duplicateWarning();
  if (warning !== undefined) context.warn?.(warning);
  const hashes = {
    train: splitHash(items.train),
    calibration: splitHash(items.calibration),
    selection: splitHash(items.selection),
    test: splitHash(items.test),
  };
  return { classes: source.classes, sources, items, hashes, skipped: admission.skipped };
}

/** Identifies a split by ids, labels and content, in its order. */
export function splitHash(items: readonly SplitItem[]): Sha256 {
  return sha256(
    items.map(({ id, label, sha256: content }) => JSON.stringify([id, label, content])).join('\n'),
  );
}

/** How many images each part of a source has; parts without any are not in it. */
function countParts(items: readonly Item[]): ReadonlyMap<Origin, number> {
  const counts = new Map<Origin, number>();
  for (const { origin } of items) counts.set(origin, (counts.get(origin) ?? 0) + 1);
  return counts;
}

function orderOf({ selection, test }: Splits['sources'], hasParts: boolean): readonly DrawnSplit[] {
  return hasParts && selection.from === test.from
    ? ['selection', 'test', 'calibration']
    : ['test', 'selection', 'calibration'];
}
