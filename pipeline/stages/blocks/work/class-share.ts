import { join } from 'node:path';
import { shareImages } from '../../../compress/token-weights.ts';
import { calibrationImages, type Calibration } from '../../../recipe/calibration.ts';
import { classShareBatchSize, measureClassShare } from '../../../recipe/evidence.ts';
import type { Recipe } from '../../../recipe/recipe.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import type { Json } from '../../../util/hash.ts';
import type { ImageHandling } from '../../common/artefacts.ts';
import { openSplit, openTeacher } from '../../common/open.ts';
import { files, type ClassShareFile } from '../artefacts.ts';

export type ClassShareSettings = Pick<Calibration, 'seed' | 'heldOut'> & Pick<Recipe, 'tokenWeights'>;
export type ClassShareJob = Job<ClassShareSettings, ImageHandling>;

/**
 * Which part of the teacher's squared gradient at each block's output falls on the class token. Labels are drawn from the
 * teacher's prediction, none is read. Writes null where all tokens count the same: `statistics.tokenWeights: uniform`, or no class token.
 */
export async function runClassShare(
  { settings, handling }: ClassShareJob,
  context: JobContext,
): Promise<Json> {
  const path = join(context.folder, files.classShare);
  if (settings.tokenWeights === 'uniform') {
    await writeJsonAtomic(path, { classShare: null } satisfies ClassShareFile);
    return { classShare: null };
  }
  const split = await openSplit(context, 'calibration', handling.images);
  const items = calibrationImages(settings, split.items).training.slice(0, shareImages);
  const model = await openTeacher(context);
  try {
    let images = 0;
    const batches = split.tensorBatches(items, classShareBatchSize);
    const classShare = await measureClassShare(model, settings, batches, (count) => {
      images += count;
      context.progress({ fraction: images / items.length, note: `image ${images}/${items.length}` });
      context.signal.throwIfAborted();
    });
    await writeJsonAtomic(path, { classShare, images } satisfies ClassShareFile);
    return { images, first: classShare?.[0] ?? null, last: classShare?.at(-1) ?? null };
  } finally {
    model.dispose();
  }
}
