import type { Config } from '../pipeline/config/schema.ts';
import { fail } from '../pipeline/util/failure.ts';
import { sha256 } from '../pipeline/util/hash.ts';
import type { Sha256 } from '../pipeline/util/hash.ts';
import { random } from '../pipeline/util/random.ts';
import { createAdmission } from './admission.ts';
import type { Source, SplitItem, SplitName, Splits } from './contract.ts';
import { refuseOverlap } from './overlap.ts';
import { createPool } from './pool.ts';
import type { Pool } from './pool.ts';
import type { Preparer } from './prepare.ts';

export interface SplitOptions {
  readonly seed: number;
  /** The teacher is trained here, on everything outside selection and test. */
  readonly needTrain: boolean;
  /** Decodes every image drawn, so that unusable ones are replaced now; without it images are only hashed. */
  readonly preparer?: Preparer;
}

/** A job's context fits. */
export interface SplitContext {
  readonly signal?: AbortSignal | undefined;
  readonly progress?: ((progress: { readonly fraction: number; readonly note?: string }) => void) | undefined;
  readonly warn?: ((message: string) => void) | undefined;
}

/**
 * Draws the splits by seeded stratified sampling, test first, then selection, then calibration: `test` depends on the
 * seed and its own size only, `selection` also on test's. Where the source has its own train and test images, test is
 * drawn from those and the others from the training images. An image that cannot be used, or whose content was drawn
 * already, is replaced by another of its class. Only images that are drawn are read.
 * @throws BlockForgeError `data-invalid` for too few images or too many unusable ones, `splits-overlap` for a training
 * image whose content is also among the test images.
 */
export async function makeSplits(
  source: Source,
  data: Pick<Config['data'], 'splits' | 'maxCorruptShare'>,
  { seed, needTrain, preparer }: SplitOptions,
  context: SplitContext = {},
): Promise<Splits> {
  const sizes = data.splits;
  const held = (['test', 'val'] as const).find((part) => source.items.some(({ origin }) => origin === part));
  const ownTest = held !== undefined;
  const testItems = source.items.filter(({ origin }) => origin === (held ?? 'all'));
  const trainItems = ownTest ? source.items.filter(({ origin }) => origin === 'train') : testItems;
  const drawn = sizes.selection + sizes.calibration;
  if (ownTest) {
    refuseTooFew(source, 'test images', testItems.length, sizes, ['test']);
    refuseTooFew(source, 'training images', trainItems.length, sizes, ['selection', 'calibration']);
  } else {
    refuseTooFew(source, 'images', testItems.length, sizes, ['test', 'selection', 'calibration']);
  }

  const asked = sizes.test + (needTrain ? trainItems.length - (ownTest ? 0 : sizes.test) : drawn);
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
  const draw = async (pool: Pool, split: SplitName, count: number): Promise<SplitItem[]> => {
    const ties = random(seed, 'splits', split);
    const kept: SplitItem[] = [];
    let candidates = pool.take(Math.min(count, pool.remaining()), ties);
    while (candidates.length > 0) {
      const { kept: more, refused } = await admission.admit(candidates, split);
      kept.push(...more);
      candidates = refused.map(({ label }) => pool.takeOf(label)).filter((item) => item !== undefined);
      const missing = count - kept.length - candidates.length;
      candidates.push(...pool.take(Math.min(missing, pool.remaining()), ties));
    }
    return kept;
  };
  const drawAll = async (pool: Pool, split: 'test' | 'selection' | 'calibration') => {
    const items = await draw(pool, split, sizes[split]);
    if (items.length < sizes[split]) {
      failTooFew(source, `${items.length} usable images left for ${split}`, sizes, [split]);
    }
    return items;
  };

  const testPool = createPool(testItems, random(seed, 'splits', ownTest ? 'own-test' : 'all'));
  const trainPool = ownTest ? createPool(trainItems, random(seed, 'splits', 'own-train')) : testPool;
  const test = await drawAll(testPool, 'test');
  const selection = await drawAll(trainPool, 'selection');
  const calibration = await drawAll(trainPool, 'calibration');
  const train = needTrain
    ? [
        ...calibration,
        ...(await admission.admit(trainPool.take(trainPool.remaining(), random(seed)), 'train')).kept,
      ]
    : [];

  // Mixed classes in every batch, whatever part of a split is read.
  const mixed = (items: readonly SplitItem[], split: SplitName) =>
    random(seed, 'splits', split, 'mix').shuffle([...items]);
  const items = {
    train: mixed(train, 'train'),
    calibration: mixed(calibration, 'calibration'),
    selection: mixed(selection, 'selection'),
    test: mixed(test, 'test'),
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
  return { classes: source.classes, items, hashes, skipped: admission.skipped };
}

/** Identifies a split by ids, labels and content, in its order. */
export function splitHash(items: readonly SplitItem[]): Sha256 {
  return sha256(
    items.map(({ id, label, sha256: content }) => JSON.stringify([id, label, content])).join('\n'),
  );
}

type Sizes = Config['data']['splits'];

function refuseTooFew(
  source: Source,
  what: string,
  available: number,
  sizes: Sizes,
  names: readonly (keyof Sizes)[],
): void {
  const needed = names.reduce((sum, name) => sum + sizes[name], 0);
  if (available < needed) failTooFew(source, `${available.toLocaleString('en')} ${what}`, sizes, names);
}

function failTooFew(source: Source, found: string, sizes: Sizes, names: readonly (keyof Sizes)[]): never {
  const needed = names.reduce((sum, name) => sum + sizes[name], 0);
  const parts = names.map((name) => `${name} ${sizes[name].toLocaleString('en')}`).join(' + ');
  return fail({
    reason: 'data-invalid',
    subject: source.description,
    found,
    expected: `at least ${needed.toLocaleString('en')} (${parts})`,
    next: `lower ${names.map((name) => `data.splits.${name}`).join(', ')}, or add images`,
  });
}
