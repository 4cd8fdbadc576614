import { join } from 'node:path';
import { createClassShare } from '../../../compress/class-share.ts';
import { shareImages } from '../../../compress/token-weights.ts';
import type { BlocksConfig } from '../schema.ts';
import type { JobContext, JobPlan } from '../../../runner/contract.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import type { Json } from '../../../util/hash.ts';
import { random } from '../../../util/random.ts';
import type { ImageHandling } from '../../common/artefacts.ts';
import { openSplit, openTeacher } from '../../common/open.ts';
import { files, type ClassShareFile } from '../artefacts.ts';
import type { Calibration } from '../shape.ts';
import { calibrationImages } from './calibration.ts';

export type ClassShareSettings = Pick<Calibration, 'seed' | 'heldOut'> &
  Pick<BlocksConfig['statistics'], 'tokenWeights'>;

/** The backward pass keeps more of an image than the forward pass. */
const batchSize = 16;

/**
 * Which part of the teacher's squared gradient at each block's output falls on the class token. Labels are drawn from the
 * teacher's prediction, none is read. Writes null where `statistics.tokenWeights` is uniform.
 */
export async function runClassShare(job: JobPlan, context: JobContext): Promise<Json> {
  const settings = job.settings as ClassShareSettings;
  const handling = job.handling as ImageHandling;
  const path = join(context.folder, files.classShare);
  if (settings.tokenWeights === 'uniform') {
    await writeJsonAtomic(path, { classShare: null } satisfies ClassShareFile);
    return { classShare: null };
  }
  const split = await openSplit(context, 'calibration', handling.images);
  const items = calibrationImages(settings, split.items).training.slice(0, shareImages);
  const model = await openTeacher(context);
  try {
    const share = createClassShare(model);
    let images = 0;
    for await (const { pixels, ids } of split.tensorBatches(items, batchSize)) {
      share.add(pixels, (image) => random(settings.seed, 'label', ids[image]!));
      pixels.dispose();
      images += ids.length;
      context.progress({ fraction: images / items.length, note: `image ${images}/${items.length}` });
      context.signal.throwIfAborted();
    }
    const classShare = share.finish();
    await writeJsonAtomic(path, { classShare, images } satisfies ClassShareFile);
    return { images, first: classShare[0], last: classShare.at(-1) };
  } finally {
    model.dispose();
  }
}
