import type { Config } from '../pipeline/config/schema.ts';
import { sha256 } from '../pipeline/util/hash.ts';
import type { Sha256 } from '../pipeline/util/hash.ts';
import { random } from '../pipeline/util/random.ts';
import { createAdmission } from './admission.ts';
import type { DrawnSplit, Source, SplitItem, SplitName, Splits } from './contract.ts';
import { refuseOverlap } from './overlap.ts';
import { openPools } from './pool.ts';
import type { Preparer } from './prepare.ts';
import { countParts, refuseFewUsable, refuseTooFew, trainingPart } from './split-sizes.ts';
import { splitSources } from './split-sources.ts';

export interface SplitOptions {
  readonly seed: number;
  /** The teacher is trained here, on everything outside selection and test. */
  readonly needTrain: boolean;
  /** Decodes every image drawn, so that unusable ones are replaced now; without it images are only hashed. */
  readonly preparer?: Preparer;
  /** No more than is needed for this one: the splits that are drawn after it stay empty. */
  readonly until?: DrawnSplit | undefined;
  /** As it was done before, the test first: only to find the images of older libraries. */
  readonly testFirst?: boolean | undefined;
}

/** A job's context fits. */
export interface SplitContext {
  readonly signal?: AbortSignal | undefined;
  readonly progress?: ((progress: { readonly fraction: number; readonly note?: string }) => void) | undefined;
  readonly warn?: ((message: string) => void) | undefined;
}

/**
 * Draws the splits by seeded stratified sampling, each from its part of the source (`splitSources`): selection, then
 * calibration, then test, so that of splits from one part another test changes no other. An image that cannot be used, or
 * whose content was drawn already, is replaced by another of its class. Training images are drawn first where the teacher
 * comes trained, so that copies of them in another part are not selected or tested on; where it is trained here, which leaves
 * such copies out, or the source is packed, a benchmark's whole test part, they are drawn last. Only images that are drawn
 * are read.
 * @throws BlockForgeError `data-invalid` for too few images or too many unusable ones, or a part that is not there
 */
export async function makeSplits(
  source: Source,
  data: Pick<Config['data'], 'splits' | 'maxCorruptShare'>,
  { seed, needTrain, preparer, until, testFirst = false }: SplitOptions,
  context: SplitContext = {},
): Promise<Splits> {
  const parts = countParts(source.items);
  const sources = splitSources(data.splits, new Set(parts.keys()), needTrain);
  refuseTooFew(source.description, sources, parts);
  const trainedFirst = source.packed !== true && !needTrain;
  const order = testFirst ? orderBefore(sources, parts.size > 1) : orderOf(sources, trainedFirst);
  const drawn = until === undefined ? order : order.slice(0, order.indexOf(until) + 1);

  const trainFrom = trainingPart(parts);
  const beside = order.filter((name) => !needTrain || sources[name].from !== trainFrom);
  const asked =
    beside.reduce((sum, name) => sum + sources[name].images, 0) +
    (needTrain ? (parts.get(trainFrom) ?? source.items.length) : 0);
  let examined = 0;
  const admission = createAdmission({
    source,
    examine: async (item) => (preparer ? preparer.admit(item) : sha256(await source.content(item))),
    asked,
    maxCorruptShare: data.maxCorruptShare,
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
      const { kept: more, refused } = await admission.admit(candidates);
      kept.push(...more);
      candidates = refused.map(({ label }) => pool.takeOf(label)).filter((item) => item !== undefined);
      const missing = count - kept.length - candidates.length;
      candidates.push(...pool.take(Math.min(missing, pool.remaining()), ties));
    }
    return kept;
  };

  const found: Record<SplitName, SplitItem[]> = { train: [], calibration: [], selection: [], test: [] };
  for (const name of drawn) {
    found[name] = await draw(name);
    if (found[name].length === sources[name].images) continue;
    admission.refuseUnusable();
    refuseFewUsable(source.description, name, found, admission.copies(), sources, parts);
  }
  if (needTrain && until === undefined) {
    const pool = pools.of(trainFrom);
    const rest = await admission.admit(pool.take(pool.remaining(), random(seed)));
    found.train = [...(sources.calibration.from === trainFrom ? found.calibration : []), ...rest.kept];
  }

  admission.refuseUnusable();

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
  for (const warning of admission.warnings()) context.warn?.(warning);
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

function orderOf(sources: Splits['sources'], trainedFirst: boolean): readonly DrawnSplit[] {
  const names = ['selection', 'calibration', 'test'] as const;
  const trained = names.filter((name) => sources[name].from === 'train');
  const others = names.filter((name) => sources[name].from !== 'train');
  return trainedFirst ? [...trained, ...others] : [...others, ...trained];
}

function orderBefore({ selection, test }: Splits['sources'], hasParts: boolean): readonly DrawnSplit[] {
  return hasParts && selection.from === test.from
    ? ['selection', 'test', 'calibration']
    : ['test', 'selection', 'calibration'];
}
