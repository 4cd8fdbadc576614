import { join } from 'node:path';
import type { Need } from '../../../compress/order/criterion.ts';
import { writeSafetensors, type NamedArrays } from '../../../model/safetensors.ts';
import { calibrationImages, type Calibration } from '../../../recipe/calibration.ts';
import { collectEvidence, createEvidence } from '../../../recipe/evidence.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import type { Json } from '../../../util/hash.ts';
import { indices, shardRange, type ImageHandling } from '../../common/artefacts.ts';
import { openSplit, openTeacher } from '../../common/open.ts';
import { classShareJob, files } from '../artefacts.ts';
import { runClassShare, type ClassShareJob } from './class-share.ts';
import { loadEvidence, saveEvidence } from '../../../recipe/evidence-checkpoint.ts';
import { readTokenWeights } from './read.ts';
import { openTokenFiles } from '../../../recipe/token-files.ts';

export type StatisticsSettings = {
  readonly calibration: Calibration;
  /** Images summed at once: float32 inside a batch, float64 over batches, so it changes the last digits. */
  readonly batchSize: number;
  /** What the order criterion asks for beside the statistics. */
  readonly needs: readonly Need[];
  readonly shard: number;
  readonly shards: number;
};

type StatisticsJob = Job<StatisticsSettings, ImageHandling>;

const checkpointEveryMs = 120_000;

/**
 * One pass of the teacher over the calibration images, for all blocks at once: mean and covariance of every block's
 * hidden units, and what the order criterion asks for beside them. Labels are not read. Some images are held out: only
 * their inputs are kept, to check what the refit claims.
 * Reads: splits, teacher. Writes, per block: statistics, held-out inputs.
 * Costs: about 1.3 forward passes; disk for the inputs. Resumes inside the job. Mergeable: each shard covers its own
 * images.
 */
export function run(job: StatisticsJob | ClassShareJob, context: JobContext): Promise<Json> {
  return job.id === classShareJob
    ? runClassShare(job as ClassShareJob, context)
    : runShard(job as StatisticsJob, context);
}

async function runShard({ settings, handling }: StatisticsJob, context: JobContext): Promise<Json> {
  const { calibration, batchSize, needs, shard, shards } = settings;
  const split = await openSplit(context, 'calibration', handling.images);
  const images = calibrationImages(calibration, split.items);
  const ofShard = <Item>(items: readonly Item[]): readonly Item[] => {
    const { start, end } = shardRange(items.length, shard, shards);
    return items.slice(start, end);
  };
  const heldOut = ofShard(images.heldOut);
  const training = ofShard(images.training);

  const model = await openTeacher(context);
  const { depth } = model.architecture;
  const blocks = indices(depth);
  const weights = await readTokenWeights(context, model.architecture, calibration);
  const evidence = createEvidence({ model, calibration, weights, needs });
  const heldOutTokens = await openTokenFiles(context.resumeFolder, blocks.map(files.heldOutTokens));
  try {
    const saved = await loadEvidence(context.resumeFolder, depth);
    if (saved !== undefined) evidence.restore(saved.states);
    await heldOutTokens.truncate(0);
    const total = training.length + heldOut.length;
    let image = saved?.progress.image ?? 0;
    let savedAt = Date.now();
    const rate = rateMeter();
    await collectEvidence(evidence, {
      training: split.tensorBatches(training.slice(image), batchSize),
      heldOut: split.tensorBatches(heldOut, batchSize),
      heldOutInputs: heldOutTokens,
      async onBatch(count, of) {
        image += count;
        context.progress({
          fraction: image / total,
          note: `image ${image}/${total}`,
          metrics: { imagesPerSecond: rate(count) },
        });
        const isDue = context.signal.aborted || Date.now() - savedAt >= checkpointEveryMs;
        if (of === 'training' && isDue) {
          await saveEvidence(context.resumeFolder, evidence.state(), { image });
          savedAt = Date.now();
        }
        context.signal.throwIfAborted();
      },
    });
    for (const [block, found] of evidence.finish().entries()) {
      const { count, mean, covariance } = found.statistics;
      const hidden = mean.length;
      const arrays: NamedArrays = {
        mean: { shape: [hidden], data: mean },
        covariance: { shape: [hidden, hidden], data: covariance },
      };
      for (const need of needs) {
        const data = found[need];
        if (data !== undefined) arrays[need] = { shape: [hidden], data };
      }
      await writeSafetensors(join(context.folder, files.statistics(block)), arrays, { count: String(count) });
    }
    await heldOutTokens.publish(context.folder);
    return { images: training.length, heldOutImages: heldOut.length };
  } finally {
    await heldOutTokens.close();
    model.dispose();
    evidence.dispose();
  }
}

/** Images per second since the first call's batch started; the clock starts when the meter is made. */
function rateMeter(): (images: number) => number {
  const started = Date.now();
  let done = 0;
  return (images) => {
    done += images;
    return (1000 * done) / Math.max(1, Date.now() - started);
  };
}
