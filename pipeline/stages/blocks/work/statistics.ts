import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TensorBatch } from '../../../../datasets/batches.ts';
import { blockName } from '../../../model/architecture.ts';
import { forwardFlops } from '../../../model/costs.ts';
import type { JobContext, JobPlan, PlanInput, Stage } from '../../../runner/contract.ts';
import type { StatisticsAccumulator } from '../../../compress/statistics.ts';
import type { VisionTransformer } from '../../../model/vit.ts';
import { readJson, writeJsonAtomic } from '../../../util/atomic.ts';
import type { Json } from '../../../util/hash.ts';
import { rowWeights, type TokenWeights } from '../../../compress/token-weights.ts';
import {
  calibrationImages,
  calibrationTokens,
  keepsTrainingTokens,
  readTokenWeights,
  sampledRows,
  sampledTokens,
} from './calibration.ts';
import { planClassShare, runClassShare } from './class-share.ts';
import {
  classShareJob,
  files,
  indices,
  jobIndex,
  shardRange,
  splitsJob,
  statisticsJob,
  teacherCheckJob,
  teacherJob,
} from '../artefacts.ts';
import { openTokenFiles, type TokenFiles } from './token-files.ts';

const checkpointEveryMs = 120_000;

/**
 * One pass of the teacher over the calibration images, for all blocks at once: mean and covariance of every block's
 * hidden units, and, where blocks are trained on the teacher's inputs, a sample of those. Labels are not read. Some images
 * are held out: only their inputs are kept, to check what refit and distillation claim.
 * Reads: splits, teacher. Writes, per block: statistics, held-out inputs, with `inputs.from: teacher` sampled inputs.
 * Costs: about 1.3 forward passes; disk for the inputs. Resumes inside the job. Mergeable: each shard covers its own
 * images.
 */
export const statistics: Stage = {
  name: 'statistics',
  version: 2,
  plan: (input) => [planClassShare(input), ...planShards(input)],
  run: (job, context) => (job.id === classShareJob ? runClassShare(context) : runShard(job, context)),
};

function planShards({ loaded, architecture, engine, slots, inputs }: PlanInput): JobPlan[] {
  const { config } = loaded;
  const { width, hidden, depth } = architecture;
  const images = config.data.splits.calibration;
  const tokens = calibrationTokens(config, architecture);
  const trainingTokens = keepsTrainingTokens(config);
  const kept = tokens.heldOut + (trainingTokens ? tokens.training : 0);
  const flops = images * forwardFlops(architecture);
  return indices(slots).map((shard) => ({
    id: statisticsJob(shard),
    needs: [splitsJob, teacherJob, teacherCheckJob, classShareJob],
    settings: {
      statistics: config.statistics,
      seed: config.seed,
      shard,
      shards: slots,
      ...(trainingTokens && { trainingTokens }),
      mean: inputs.preprocessing.mean,
      std: inputs.preprocessing.std,
    },
    estimate: {
      seconds: 2 + (1.3 * flops) / slots / (engine === 'wasm' ? 12e9 : 100e9),
      memoryBytes: 8e8 + depth * hidden * hidden * 12,
      diskBytes: (kept * width * 4 * depth) / slots + depth * hidden * hidden * 8,
    },
  }));
}

async function runShard(job: JobPlan, context: JobContext): Promise<Json> {
  const { createStatistics } = await import('../../../compress/statistics.ts');
  const { writeSafetensors } = await import('../../../model/safetensors.ts');
  const { openTeacher, openSplit } = await import('./open.ts');
  const { config } = context.loaded;
  const { hidden, depth } = context.architecture;
  const blocks = indices(depth);
  const shard = jobIndex(job.id);
  const split = await openSplit(context, 'calibration');
  const images = calibrationImages(config, split.items);
  const ofShard = <Item>(items: Item[]): Item[] => {
    const { start, end } = shardRange(items.length, shard, context.slots);
    return items.slice(start, end);
  };
  const heldOut = ofShard(images.heldOut);
  const training = ofShard(images.training);

  const weights = await readTokenWeights(context);
  const accumulators = blocks.map(() => createStatistics(hidden));
  const tokens = keepsTrainingTokens(config)
    ? await openTokenFiles(context.resumeFolder, blocks.map(files.tokens))
    : undefined;
  const heldOutTokens = await openTokenFiles(context.resumeFolder, blocks.map(files.heldOutTokens));
  const model = await openTeacher(context);
  try {
    const resumed = await restore(context, accumulators);
    await tokens?.truncate(resumed.tokenBytes);
    await heldOutTokens.truncate(0);
    const total = training.length + heldOut.length;
    let image = resumed.image;
    let savedAt = Date.now();
    const rate = rateMeter();
    const step = (images: number) => {
      image += images;
      context.progress({
        fraction: image / total,
        note: `image ${image}/${total}`,
        metrics: { imagesPerSecond: rate(images) },
      });
    };
    for await (const batch of split.tensorBatches(training.slice(image), config.statistics.batchSize)) {
      await visitBatch(context, model, batch, tokens, { accumulators, weights });
      step(batch.ids.length);
      if (!context.signal.aborted && Date.now() - savedAt < checkpointEveryMs) continue;
      await save(context, accumulators, { image, tokenBytes: tokens?.sizeBytes ?? 0 });
      context.signal.throwIfAborted();
      savedAt = Date.now();
    }
    for await (const batch of split.tensorBatches(heldOut, config.statistics.batchSize)) {
      await visitBatch(context, model, batch, heldOutTokens);
      step(batch.ids.length);
      context.signal.throwIfAborted();
    }
    for (const [block, accumulator] of accumulators.entries()) {
      const { count, mean, covariance } = accumulator.finish();
      await writeSafetensors(
        join(context.folder, files.statistics(block)),
        {
          mean: { shape: [hidden], data: mean },
          covariance: { shape: [hidden, hidden], data: covariance },
        },
        { count: String(count) },
      );
    }
    await tokens?.publish(context.folder);
    await heldOutTokens.publish(context.folder);
    return { images: training.length, heldOutImages: heldOut.length };
  } finally {
    await tokens?.close();
    await heldOutTokens.close();
    model.dispose();
    for (const accumulator of accumulators) accumulator.dispose();
  }
}

/** Runs one batch through the teacher: its sampled inputs go to `sink`, if any, its hidden units into the accumulators. */
async function visitBatch(
  context: JobContext,
  model: VisionTransformer,
  batch: TensorBatch,
  sink: TokenFiles | undefined,
  into?: { accumulators: readonly StatisticsAccumulator[]; weights: readonly TokenWeights[] },
): Promise<void> {
  const { visitBlocks } = await import('../../../compress/visit.ts');
  const { architecture, loaded } = context;
  const sampled = sampledTokens(loaded.config, architecture);
  const rows = sampledRows(loaded.config, architecture, batch.ids);
  const inputs: Float32Array[] = [];
  visitBlocks(model, batch.pixels, rows, (block, { input, hidden }) => {
    if (sink !== undefined) inputs.push(input.dataSync<'float32'>());
    into?.accumulators[block].add(hidden, rowWeights(into.weights[block], rows.length, sampled));
  });
  batch.pixels.dispose();
  if (sink !== undefined) await Promise.all(inputs.map((values, block) => sink.append(block, values)));
}

interface Progress {
  /** Training images done. */
  readonly image: number;
  /** Length of every token file then. */
  readonly tokenBytes: number;
}

const stateFile = (block: number) => `${blockName(block)}.state.safetensors`;
const progressFile = 'progress.json';

/** The progress file goes last: it names what the state files are the state of. */
async function save(
  context: JobContext,
  accumulators: readonly StatisticsAccumulator[],
  progress: Progress,
): Promise<void> {
  const { writeSafetensors } = await import('../../../model/safetensors.ts');
  await rm(join(context.resumeFolder, progressFile), { force: true });
  for (const [block, accumulator] of accumulators.entries()) {
    const { count, ...arrays } = accumulator.state();
    const named = Object.entries(arrays).map(
      ([name, data]) => [name, { shape: [data.length], data }] as const,
    );
    await writeSafetensors(join(context.resumeFolder, stateFile(block)), Object.fromEntries(named), {
      count: String(count),
    });
  }
  await writeJsonAtomic(join(context.resumeFolder, progressFile), progress);
}

async function restore(
  context: JobContext,
  accumulators: readonly StatisticsAccumulator[],
): Promise<Progress> {
  const path = join(context.resumeFolder, progressFile);
  if (!existsSync(path)) return { image: 0, tokenBytes: 0 };
  const { openSafetensors } = await import('../../../model/safetensors.ts');
  for (const [block, accumulator] of accumulators.entries()) {
    const file = await openSafetensors(join(context.resumeFolder, stateFile(block)));
    accumulator.restore({
      count: Number(file.metadata.count),
      shift: await file.read('shift'),
      sum: (await file.readTyped('sum')) as Float64Array,
      products: (await file.readTyped('products')) as Float64Array,
    });
    await file.close();
  }
  return readJson<Progress>(path);
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
