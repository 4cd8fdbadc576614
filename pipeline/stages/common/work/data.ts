import { join } from 'node:path';
import { arrangeClasses } from '../../../../datasets/classes/arrange.ts';
import { splitNames, type Preprocessing } from '../../../../datasets/contract.ts';
import { openPreparer } from '../../../../datasets/open-preparer.ts';
import { drawnSplits, trainedOnWarning } from '../../../../datasets/split-sources.ts';
import { makeSplits } from '../../../../datasets/splits.ts';
import type { Config } from '../../../config/schema.ts';
import type { ImageSize } from '../../../model/architecture.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import type { Json } from '../../../util/hash.ts';
import { commonFiles, splitFile, type ImageHandling, type Plain, type SplitFile } from '../artefacts.ts';

export type SplitsSettings = Pick<Config['data'], 'source' | 'splits' | 'maxCorruptShare'> & {
  readonly shapes: Config['data']['shapes'] | null;
  readonly products?: Config['data']['products'] | undefined;
  readonly seed: number;
  /** The teacher is trained here: its images are drawn, too. */
  readonly trains: boolean;
  /** What a folder of images looks like from outside: names, sizes, times. */
  readonly listing: string | null;
  readonly crop: ImageSize;
  readonly channels: number;
  /** The data's names of the classes, in the model's order. */
  readonly classes: readonly string[];
};

export type SplitsHandling = ImageHandling & { readonly preprocessing: Plain<Preprocessing> };

/**
 * Draws the splits and proves them disjoint by content.
 * Reads: the data source. Writes: a file per split (ids, labels, content hashes), the classes, where the splits are from,
 * and what was skipped. Costs: one read and decode of the images used (decoded images stay in the cache).
 */
export async function run(
  { settings, handling }: Job<SplitsSettings, SplitsHandling>,
  context: JobContext,
): Promise<Json> {
  const { images, preprocessing } = handling;
  const preparer = await openPreparer(images, preprocessing, (message) => context.warn(message));
  const source = arrangeClasses(preparer.source, settings.classes);
  const { seed, trains } = settings;
  for (const warning of source.account?.warnings ?? []) context.warn(warning);
  const splits = await makeSplits(source, settings, { seed, needTrain: trains, preparer }, context);
  const write = (name: string, value: unknown) => writeJsonAtomic(join(context.folder, name), value);
  for (const name of splitNames) {
    const file: SplitFile = { items: splits.items[name], sha256: splits.hashes[name] };
    await write(splitFile(name), file);
  }
  await write(commonFiles.classes, splits.classes);
  await write(commonFiles.sources, splits.sources);
  await write(commonFiles.skipped, splits.skipped);
  const { train, calibration, selection, test } = splits.items;
  for (const name of ['selection', 'test'] as const) {
    const { from, images, mayBeTrainedOn } = splits.sources[name];
    if (mayBeTrainedOn) context.warn(trainedOnWarning(name, `${images} images`, from));
  }
  return {
    source: source.description,
    ...(source.account !== undefined && { account: source.account.lines.join('; ') }),
    train: train.length,
    calibration: calibration.length,
    selection: selection.length,
    test: test.length,
    from: drawnSplits.map((name) => `${name} ${splits.sources[name].from}`).join(', '),
    skipped: splits.skipped.length,
  };
}
