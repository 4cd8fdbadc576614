import { join } from 'node:path';
import type { Stage } from '../../../runner/contract.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import { files, splitsJob } from '../artefacts.ts';

/**
 * Draws the splits and proves them disjoint by content.
 * Reads: the data source. Writes: splits.json (ids, labels, content hashes, skipped images). Costs: one read and
 * decode of the images used (decoded images stay in the cache). Stale when: source, sizes, seed, image geometry change.
 */
export const data: Stage = {
  name: 'data',
  version: 1,
  needsEngine: false,
  plan: ({ loaded, inputs }) => {
    const { config } = loaded;
    const { calibration, selection, test } = config.data.splits;
    const trains = config.teacher.train !== undefined;
    return [
      {
        id: splitsJob,
        needs: [],
        settings: {
          source: config.data.source,
          shapes: config.data.source === 'shapes' ? config.data.shapes : null,
          splits: config.data.splits,
          maxCorruptShare: config.data.maxCorruptShare,
          seed: config.seed,
          trains,
          listing: inputs.dataListing,
          crop: inputs.preprocessing.crop,
          channels: inputs.preprocessing.channels,
        },
        files: inputs.dataFiles,
        estimate: { seconds: 2 + (calibration + selection + test) / 400, memoryBytes: 3e8, diskBytes: 1e6 },
      },
    ];
  },
  async run(_job, context) {
    const { makeSplits } = await import('../../../../datasets/splits.ts');
    const { openPreparer } = await import('./open-data.ts');
    const { config } = context.loaded;
    const preparer = await openPreparer(context.loaded, context.inputs.preprocessing, (message) =>
      context.warn(message),
    );
    const { source } = preparer;
    const needTrain = config.teacher.train !== undefined;
    const splits = await makeSplits(source, config.data, { seed: config.seed, needTrain, preparer }, context);
    await writeJsonAtomic(join(context.folder, files.splits), splits);
    if (splits.skipped.length > 0) {
      const [first] = splits.skipped;
      context.warn(`${splits.skipped.length} unusable images skipped, e.g. ${first.id}: ${first.why}`);
    }
    return {
      source: source.description,
      train: splits.items.train.length,
      calibration: splits.items.calibration.length,
      selection: splits.items.selection.length,
      test: splits.items.test.length,
      skipped: splits.skipped.length,
    };
  },
};
