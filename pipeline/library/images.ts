import { join } from 'node:path';
import { z } from 'zod';
import { openSplit, type OpenSplit } from '../../datasets/batches.ts';
import { splitNames, type SplitItem, type SplitName } from '../../datasets/contract.ts';
import { openPreparer } from '../../datasets/open-preparer.ts';
import type { Preparer } from '../../datasets/prepare.ts';
import { makeSplits, splitHash } from '../../datasets/splits.ts';
import { loadConfig } from '../config/load.ts';
import { configSchema, type Config } from '../config/schema.ts';
import { readJson } from '../util/atomic.ts';
import { BlockForgeError, fail } from '../util/failure.ts';
import { sha256File, type Sha256 } from '../util/hash.ts';
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
  readonly items?: Readonly<Record<SplitName, readonly SplitItem[]>>;
}

/** What a run's records say of the config that made its library, and of its splits. */
const exportRecord = z.object({
  madeFrom: z.object({ settings: z.object({ config: z.unknown() }) }),
  outputs: z.array(z.object({ path: z.string(), sha256: z.string() })),
});
const ranSettings = z.object({
  seed: configSchema.shape.seed,
  data: configSchema.shape.data,
  measure: z.object({ batchSize: z.int().min(1) }),
});
const digest = z.custom<Sha256>((value) => typeof value === 'string' && /^[0-9a-f]{64}$/.test(value));
const item = z.object({ id: z.string(), label: z.int().min(0), sha256: digest });
const drawnSplits = z.object({ items: z.record(z.enum(splitNames), z.array(item)) });

/**
 * The data of the run that a library lies in (`runs/<name>/library`), by that run's own records. They count only where
 * they belong to exactly this manifest.
 * @returns undefined where the library lies in no run, or in that of another library
 */
export async function sourceOfRun({ folder }: Library): Promise<MeasureSource | undefined> {
  const run = join(folder, '..');
  const record = await readRecord(join(run, 'export', 'library', 'done.json'), exportRecord);
  const manifest = record?.outputs.find(({ path }) => path === 'manifest.json');
  if (record === undefined || manifest?.sha256 !== (await sha256File(join(folder, 'manifest.json')))) {
    return undefined;
  }
  const config = ranSettings.safeParse(record.madeFrom.settings.config);
  const splits = await readRecord(join(run, 'data', 'splits', 'splits.json'), drawnSplits);
  if (!config.success || splits === undefined) return undefined;
  const { data, seed, measure } = config.data;
  return { origin: run, data, seed, batchSize: measure.batchSize, items: splits.items };
}

/** The data of a config where one is given, else of the run that the library lies in; `undefined` where it lies in none. */
export async function findSource(
  library: Library,
  config: string | undefined,
  cwd = process.cwd(),
): Promise<MeasureSource | undefined> {
  if (config === undefined) return sourceOfRun(library);
  const loaded = loadConfig(config, { cwd });
  return sourceOfConfig(loaded.config, loaded.file);
}

/** The data that a config describes, e.g. the config that made the library, on another machine. */
export function sourceOfConfig(
  { data, seed, measure }: Pick<Config, 'data' | 'seed' | 'measure'>,
  file: string,
): MeasureSource {
  return { origin: file, data, seed, batchSize: measure.batchSize };
}

export interface OpenOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly fraction: number; readonly note?: string }) => void;
  readonly warn?: (message: string) => void;
}

/**
 * The very images that the library's numbers were measured on, prepared as its manifest says. The split is drawn as the
 * run drew it and must have the hash in the manifest: ids, labels, contents and their order.
 * @throws BlockForgeError `data-invalid` where these are other images; `file-missing` and others as the source does
 */
export async function openMeasuredSplit(
  { manifest, folder }: Library,
  source: MeasureSource,
  split: MeasuredSplit,
  { signal, onProgress, warn = () => {} }: OpenOptions = {},
): Promise<OpenSplit> {
  const { preprocessing } = manifest.teacher;
  const preparer = await openPreparer(source, preprocessing, warn);
  const items = source.items?.[split] ?? (await draw(source, preparer, split, { signal, onProgress, warn }));
  const { images, sha256 } = manifest.data[split];
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
  return openSplit(items, preparer, signal);
}

/** Test is drawn first, selection next, calibration last, each from what is left: the later ones are not needed. */
async function draw(
  { data, seed }: MeasureSource,
  preparer: Preparer,
  split: MeasuredSplit,
  { signal, onProgress, warn }: OpenOptions,
): Promise<readonly SplitItem[]> {
  const { test, selection, calibration } = data.splits;
  const sizes = {
    test,
    selection: split === 'test' ? 0 : selection,
    calibration: split === 'calibration' ? calibration : 0,
  };
  const { items } = await makeSplits(
    preparer.source,
    // How many images may be unusable was judged by the run; here the hash decides.
    { splits: sizes, maxCorruptShare: 1 },
    { seed, needTrain: false, preparer },
    { signal, ...(onProgress && { progress: onProgress }), ...(warn && { warn }) },
  );
  return items[split];
}

async function readRecord<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    const parsed = schema.safeParse(await readJson(path));
    return parsed.success ? parsed.data : undefined;
  } catch (error) {
    if (error instanceof BlockForgeError) return undefined;
    throw error;
  }
}
