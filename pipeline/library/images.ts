import { join } from 'node:path';
import { openBatches, type OpenSplit } from '../../datasets/batches.ts';
import { arrangeClasses } from '../../datasets/classes/arrange.ts';
import type { SplitItem, SplitName } from '../../datasets/contract.ts';
import { openPreparer } from '../../datasets/open-preparer.ts';
import type { Preparer } from '../../datasets/prepare.ts';
import { splitImages } from '../../datasets/split-sources.ts';
import { makeSplits, splitHash } from '../../datasets/splits.ts';
import type { Config } from '../config/schema.ts';
import { fail } from '../util/failure.ts';
import type { Sha256 } from '../util/hash.ts';
import type { Library } from './open.ts';

/** Splits that a library can be measured on again: not `train`, which it does not keep a measurement of. */
export type MeasuredSplit = Exclude<SplitName, 'train'>;

/** Where the images come from that a library was measured on. */
export interface MeasureSource {
  /** The file or folder it was read from, for messages. */
  readonly origin: string;
  readonly data: Config['data'];
  /** Draws the splits, and the images of `shapes`. */
  readonly seed: number;
  readonly batchSize: number;
  /** As the run drew them; without them they are drawn anew. */
  readonly items?: Readonly<Record<SplitName, readonly SplitItem[]>> | undefined;
}

export interface ReadingOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?:
    ((progress: { readonly fraction: number; readonly note?: string }) => void) | undefined;
  readonly warn?: ((message: string) => void) | undefined;
}

/**
 * The very images that the library's numbers were measured on, prepared as its manifest says. The split is drawn as the
 * run drew it and must have the hash in the manifest: ids, labels, contents and their order.
 * @throws BlockForgeError `data-invalid` where these are other images; `file-missing` and others as the source does
 */
export async function openMeasuredSplit(
  library: Library,
  source: MeasureSource,
  split: MeasuredSplit,
  { signal, onProgress, warn = () => {} }: ReadingOptions = {},
): Promise<OpenSplit> {
  const { manifest, folder } = library;
  const { preprocessing } = manifest.teacher;
  const preparer = await openPreparer(source, preprocessing, warn);
  const options = { signal, onProgress, warn };
  const { images, sha256 } = manifest.data[split];
  let items = source.items?.[split] ?? (await draw(source, library, preparer, split, options));
  if (source.items === undefined && splitHash(items) !== sha256) {
    // Older libraries do not say that their test was drawn first: their hash does.
    const before = await draw(source, library, preparer, split, { ...options, warn: () => {} }, true);
    if (splitHash(before) === sha256) items = before;
  }
  const found: Sha256 = splitHash(items);
  if (items.length !== images || found !== sha256) {
    fail({
      reason: 'data-invalid',
      subject: `${source.origin}: split ${split}`,
      found: `${items.length} images with hash ${found.slice(0, 12)}...`,
      expected: `${images} images with hash ${sha256.slice(0, 12)}..., which ${join(folder, 'manifest.json')} was measured on`,
      next: 'give the config, the seed and the data that made this library',
    });
  }
  if (items.length === 0) {
    fail({ reason: 'data-invalid', subject: `split ${split}`, found: 'no images', expected: 'one or more' });
  }
  return openBatches(items, preparer, signal);
}

/** From the parts that the manifest names; libraries of before have selection and calibration from the training part. */
async function draw(
  { data, seed }: MeasureSource,
  { manifest }: Library,
  preparer: Preparer,
  split: MeasuredSplit,
  { signal, onProgress, warn }: ReadingOptions,
  testFirst = false,
): Promise<readonly SplitItem[]> {
  const { classNames, classFolders = classNames } = manifest.teacher;
  const images = splitImages(data.splits);
  const hasTrain = preparer.source.items.some(({ origin }) => origin === 'train');
  const of = (name: MeasuredSplit) => ({
    images: images[name],
    from: manifest.data[name].from ?? (hasTrain && name !== 'test' ? 'train' : undefined),
  });
  const { items } = await makeSplits(
    arrangeClasses(preparer.source, classFolders),
    // How many images may be unusable was judged by the run; here the hash decides.
    {
      splits: { calibration: of('calibration'), selection: of('selection'), test: of('test') },
      maxCorruptShare: 1,
    },
    { seed, needTrain: manifest.data.train !== undefined, preparer, until: split, testFirst },
    { signal, progress: onProgress, warn },
  );
  return items[split];
}
