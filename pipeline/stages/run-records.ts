import { join } from 'node:path';
import { z } from 'zod';
import { splitNames, type SplitName } from '../../datasets/contract.ts';
import { loadConfig } from '../config/load.ts';
import { configSchema, type Config } from '../config/schema.ts';
import type { MeasureSource } from '../library/images.ts';
import type { Library } from '../library/open.ts';
import { readJson } from '../util/atomic.ts';
import { BlockForgeError } from '../util/failure.ts';
import type { Sha256 } from '../util/hash.ts';
import { splitFile, splitsJob } from './common/artefacts.ts';
import type { Method } from './common/method.ts';
import { methods } from './methods.ts';

/** What the record of a method's `library` job says of the config, and of what it wrote. */
const libraryRecord = z.object({
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
const drawnSplit = z.object({ items: z.array(item) });

/**
 * The data of the run that a library lies in (`runs/<name>/library`), by that run's own records. They count only where
 * they belong to exactly this manifest.
 * @returns undefined where the library lies in no run, or in that of another library
 */
export async function sourceOfRun(
  { folder, manifestSha256 }: Library,
  among: readonly Pick<Method<Config>, 'library'>[] = methods,
): Promise<MeasureSource | undefined> {
  const run = join(folder, '..');
  const jobs = among.flatMap((method) => method.library ?? []);
  const records = await Promise.all(
    jobs.map((job) => readRecord(join(run, job, 'done.json'), libraryRecord)),
  );
  const record = records.find((one) =>
    one?.outputs.some(({ path, sha256 }) => path === 'manifest.json' && sha256 === manifestSha256),
  );
  if (record === undefined) return undefined;
  const config = ranSettings.safeParse(record.madeFrom.settings.config);
  const read = (name: SplitName) => readRecord(join(run, splitsJob, splitFile(name)), drawnSplit);
  const [train, calibration, selection, test] = await Promise.all(splitNames.map(read));
  if (!config.success || !train || !calibration || !selection || !test) return undefined;
  const { data, seed, measure } = config.data;
  const items = {
    train: train.items,
    calibration: calibration.items,
    selection: selection.items,
    test: test.items,
  };
  return { origin: run, data, seed, batchSize: measure.batchSize, items };
}

/** The data of a config where one is given, else of the run that the library lies in; `undefined` where it lies in none. */
export async function findSource(
  library: Library,
  config: string | undefined,
  cwd = process.cwd(),
): Promise<MeasureSource | undefined> {
  if (config === undefined) return sourceOfRun(library);
  const loaded = loadConfig(config, methods, { cwd });
  return sourceOfConfig(loaded.config, loaded.file);
}

/** The data that a config describes, e.g. the config that made the library, on another machine. */
export function sourceOfConfig(
  { data, seed, measure }: Pick<Config, 'data' | 'seed' | 'measure'>,
  file: string,
): MeasureSource {
  return { origin: file, data, seed, batchSize: measure.batchSize };
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
