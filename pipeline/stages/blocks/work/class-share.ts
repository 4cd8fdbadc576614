import { join } from 'node:path';
import { shareImages } from '../../../compress/token-weights.ts';
import { forwardFlops } from '../../../model/costs.ts';
import type { JobContext, JobPlan, PlanInput } from '../../../runner/contract.ts';
import { writeJsonAtomic } from '../../../util/atomic.ts';
import type { Json } from '../../../util/hash.ts';
import { random } from '../../../util/random.ts';
import { calibrationImages } from './calibration.ts';
import { classShareJob, files, splitsJob, teacherCheckJob, teacherJob } from '../artefacts.ts';

/** The backward pass keeps more of an image than the forward pass. */
const batchSize = 16;

export function planClassShare({ loaded, architecture, engine, inputs }: PlanInput): JobPlan {
  const { statistics, data } = loaded.config;
  const images = Math.min(shareImages, data.splits.calibration);
  const flops = images * forwardFlops(architecture);
  const asked = statistics.tokenWeights === 'gradient';
  return {
    id: classShareJob,
    needs: [splitsJob, teacherJob, teacherCheckJob],
    settings: {
      tokenWeights: statistics.tokenWeights,
      heldOut: statistics.heldOut,
      seed: loaded.config.seed,
      mean: inputs.preprocessing.mean,
      std: inputs.preprocessing.std,
    },
    estimate: {
      seconds: asked ? 1 + (4.5 * flops) / (engine === 'wasm' ? 10e9 : 80e9) : 0.1,
      memoryBytes: 8e8,
      diskBytes: 1e3,
    },
  };
}

/**
 * Which part of the teacher's squared gradient at each block's output falls on the class token. Labels are drawn from the
 * teacher's prediction, none is read. Writes null where `statistics.tokenWeights` is uniform.
 */
export async function runClassShare(context: JobContext): Promise<Json> {
  const { config } = context.loaded;
  const path = join(context.folder, files.classShare);
  if (config.statistics.tokenWeights === 'uniform') {
    await writeJsonAtomic(path, { classShare: null });
    return { classShare: null };
  }
  const { createClassShare } = await import('../../../compress/class-share.ts');
  const { openTeacher, openSplit } = await import('./open.ts');
  const split = await openSplit(context, 'calibration');
  const items = calibrationImages(config, split.items).training.slice(0, shareImages);
  const model = await openTeacher(context);
  try {
    const share = createClassShare(model);
    let images = 0;
    for await (const { pixels, ids } of split.tensorBatches(items, batchSize)) {
      share.add(pixels, (image) => random(config.seed, 'label', ids[image]));
      pixels.dispose();
      images += ids.length;
      context.progress({ fraction: images / items.length, note: `image ${images}/${items.length}` });
      context.signal.throwIfAborted();
    }
    const classShare = share.finish();
    await writeJsonAtomic(path, { classShare, images });
    return { images, first: classShare[0], last: classShare[classShare.length - 1] };
  } finally {
    model.dispose();
  }
}
