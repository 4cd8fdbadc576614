import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TensorBatch } from '../../datasets/batches.ts';
import type { Config } from '../config/schema.ts';
import { blockName, tokensPerImage, type Architecture } from '../model/architecture.ts';
import type { JobContext, Stage } from '../runner/contract.ts';
import type { StatisticsAccumulator } from '../compress/statistics.ts';
import type { VisionTransformer } from '../model/vit.ts';
import { readJson, writeJsonAtomic } from '../util/atomic.ts';
import { random } from '../util/random.ts';
import {
  files,
  indices,
  jobIndex,
  shardRange,
  splitsJob,
  statisticsJob,
  teacherCheckJob,
  teacherJob,
} from './jobs.ts';
import { openTokenFiles, type TokenFiles } from './token-files.ts';

const checkpointEveryMs = 120_000;

/**
 * One pass of the teacher over the calibration images, for all blocks at once: mean and covariance of every block's
 * hidden units, and a sample of its inputs for distillation. Labels are not read. Some images are held out: only
 * their inputs are kept, to check what refit and distillation claim.
 * Reads: splits, teacher. Writes, per block: statistics, sampled inputs, held-out inputs. Costs: about 1.3 forward
 * passes; disk for the inputs. Resumes inside the job. Mergeable: each shard covers its own images.
 */
export const statistics: Stage = {
  name: 'statistics',
  version: 1,
  plan: ({ loaded, architecture, engine, slots, inputs }) => {
    const { config } = loaded;
    const { width, hidden, depth } = architecture;
    const images = config.data.splits.calibration;
    const tokens = calibrationTokens(config, architecture);
    const flops =
      2 * images * tokensPerImage(architecture) * depth * (4 * width * width + 2 * width * hidden);
    return indices(slots).map((shard) => ({
      id: statisticsJob(shard),
      needs: [splitsJob, teacherJob, teacherCheckJob],
      settings: {
        statistics: config.statistics,
        seed: config.seed,
        shard,
        shards: slots,
        mean: inputs.preprocessing.mean,
        std: inputs.preprocessing.std,
      },
      estimate: {
        seconds: 2 + (1.3 * flops) / slots / (engine === 'wasm' ? 12e9 : 100e9),
        memoryBytes: 8e8 + depth * hidden * hidden * 12,
        diskBytes:
          ((tokens.training + tokens.heldOut) * width * 4 * depth) / slots + depth * hidden * hidden * 8,
      },
    }));
  },
  async run(job, context) {
    const { createStatistics } = await import('../compress/statistics.ts');
    const { writeSafetensors } = await import('../model/safetensors.ts');
    const { openTeacher, openSplit } = await import('./open.ts');
    const { config } = context.loaded;
    const { hidden, depth } = context.architecture;
    const blocks = indices(depth);
    const shard = jobIndex(job.id);
    const split = await openSplit(context, 'calibration');
    // Shuffled before it is cut, so that held-out images and shards are random samples of the calibration images.
    const shuffled = random(config.seed, 'statistics').shuffle([...split.items]);
    const heldOutCount = heldOutImages(config, shuffled.length);
    const ofShard = <Item>(items: Item[]): Item[] => {
      const { start, end } = shardRange(items.length, shard, context.slots);
      return items.slice(start, end);
    };
    const heldOut = ofShard(shuffled.slice(0, heldOutCount));
    const training = ofShard(shuffled.slice(heldOutCount));

    const accumulators = blocks.map(() => createStatistics(hidden));
    const tokens = await openTokenFiles(context.resumeFolder, blocks.map(files.tokens));
    const heldOutTokens = await openTokenFiles(context.resumeFolder, blocks.map(files.heldOutTokens));
    const model = await openTeacher(context);
    try {
      const resumed = await restore(context, accumulators);
      await tokens.truncate(resumed.tokenBytes);
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
        await visitBatch(context, model, batch, tokens, accumulators);
        step(batch.ids.length);
        if (!context.signal.aborted && Date.now() - savedAt < checkpointEveryMs) continue;
        await save(context, accumulators, { image, tokenBytes: tokens.sizeBytes });
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
      await tokens.publish(context.folder);
      await heldOutTokens.publish(context.folder);
      return { images: training.length, heldOutImages: heldOut.length };
    } finally {
      await tokens.close();
      await heldOutTokens.close();
      model.dispose();
      for (const accumulator of accumulators) accumulator.dispose();
    }
  },
};

/** Tokens kept of every calibration image. */
export function sampledTokens(config: Config, architecture: Architecture): number {
  return Math.min(config.statistics.tokensPerImage ?? Infinity, tokensPerImage(architecture));
}

/** Tokens that calibration yields over all shards. */
export function calibrationTokens(
  config: Config,
  architecture: Architecture,
): { training: number; heldOut: number } {
  const perImage = sampledTokens(config, architecture);
  const images = config.data.splits.calibration;
  const heldOut = heldOutImages(config, images);
  return { training: (images - heldOut) * perImage, heldOut: heldOut * perImage };
}

function heldOutImages(config: Config, images: number): number {
  return Math.max(1, Math.round(images * config.statistics.heldOut));
}

/** Runs one batch through the teacher: its sampled inputs go to `sink`, its hidden units into the accumulators. */
async function visitBatch(
  context: JobContext,
  model: VisionTransformer,
  batch: TensorBatch,
  sink: TokenFiles,
  accumulators?: readonly StatisticsAccumulator[],
): Promise<void> {
  const { sampleTokens, visitBlocks } = await import('../compress/visit-blocks.ts');
  const { seed, statistics: settings } = context.loaded.config;
  const tokens = tokensPerImage(context.architecture);
  const rows = batch.ids.flatMap((id, image) =>
    Array.from(
      sampleTokens(tokens, settings.tokensPerImage, random(seed, 'tokens', id)),
      (token) => image * tokens + token,
    ),
  );
  const inputs: Float32Array[] = [];
  visitBlocks(model, batch.pixels, Int32Array.from(rows), (block, { input, hidden }) => {
    inputs.push(input.dataSync<'float32'>());
    accumulators?.[block].add(hidden);
  });
  batch.pixels.dispose();
  await Promise.all(inputs.map((values, block) => sink.append(block, values)));
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
  const { writeSafetensors } = await import('../model/safetensors.ts');
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
  const { openSafetensors } = await import('../model/safetensors.ts');
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
