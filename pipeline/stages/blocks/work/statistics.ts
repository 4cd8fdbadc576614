import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { TensorBatch } from '../../../../datasets/batches.ts';
import { createStatistics, type StatisticsAccumulator } from '../../../compress/statistics.ts';
import { rowWeights, type TokenWeights } from '../../../compress/token-weights.ts';
import { visitBlocks } from '../../../compress/visit.ts';
import { blockName } from '../../../model/architecture.ts';
import { openSafetensors, writeSafetensors } from '../../../model/safetensors.ts';
import type { VisionTransformer } from '../../../model/vit.ts';
import type { JobContext, JobPlan } from '../../../runner/contract.ts';
import { readJson, writeJsonAtomic } from '../../../util/atomic.ts';
import type { Json } from '../../../util/hash.ts';
import { indices, shardRange, type ImageHandling } from '../../common/artefacts.ts';
import { openSplit, openTeacher } from '../../common/open.ts';
import { classShareJob, files } from '../artefacts.ts';
import { sampledTokens, type Calibration } from '../shape.ts';
import { calibrationImages, readTokenWeights, sampledRows } from './calibration.ts';
import { runClassShare } from './class-share.ts';
import { openTokenFiles, type TokenFiles } from './token-files.ts';

export type StatisticsSettings = {
  readonly calibration: Calibration;
  /** Sums depend on it in the last digits. */
  readonly batchSize: number;
  /** Keep the sampled inputs of training images, too. */
  readonly trainingTokens: boolean;
  readonly shard: number;
  readonly shards: number;
};

const checkpointEveryMs = 120_000;

/**
 * One pass of the teacher over the calibration images, for all blocks at once: mean and covariance of every block's
 * hidden units, and, where blocks are trained on the teacher's inputs, a sample of those. Labels are not read. Some images
 * are held out: only their inputs are kept, to check what refit and distillation claim.
 * Reads: splits, teacher. Writes, per block: statistics, held-out inputs, with `inputs.from: teacher` sampled inputs.
 * Costs: about 1.3 forward passes; disk for the inputs. Resumes inside the job. Mergeable: each shard covers its own
 * images.
 */
export function run(job: JobPlan, context: JobContext): Promise<Json> {
  return job.id === classShareJob ? runClassShare(job, context) : runShard(job, context);
}

async function runShard(job: JobPlan, context: JobContext): Promise<Json> {
  const { calibration, batchSize, trainingTokens, shard, shards } = job.settings as StatisticsSettings;
  const handling = job.handling as ImageHandling;
  const split = await openSplit(context, 'calibration', handling.images);
  const images = calibrationImages(calibration, split.items);
  const ofShard = <Item>(items: Item[]): Item[] => {
    const { start, end } = shardRange(items.length, shard, shards);
    return items.slice(start, end);
  };
  const heldOut = ofShard(images.heldOut);
  const training = ofShard(images.training);

  const model = await openTeacher(context);
  const { hidden, depth } = model.architecture;
  const blocks = indices(depth);
  const sampled = sampledTokens(calibration, model.architecture);
  const weights = await readTokenWeights(context, depth, sampled);
  const accumulators = blocks.map(() => createStatistics(hidden));
  const visit = (batch: TensorBatch, sink: TokenFiles | undefined, into?: Sums) =>
    visitBatch(model, batch, sampledRows(calibration, model.architecture, batch.ids), sink, into);
  const tokens = trainingTokens
    ? await openTokenFiles(context.resumeFolder, blocks.map(files.tokens))
    : undefined;
  const heldOutTokens = await openTokenFiles(context.resumeFolder, blocks.map(files.heldOutTokens));
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
    for await (const batch of split.tensorBatches(training.slice(image), batchSize)) {
      await visit(batch, tokens, { accumulators, weights, sampled });
      step(batch.ids.length);
      if (!context.signal.aborted && Date.now() - savedAt < checkpointEveryMs) continue;
      await save(context, accumulators, { image, tokenBytes: tokens?.sizeBytes ?? 0 });
      context.signal.throwIfAborted();
      savedAt = Date.now();
    }
    for await (const batch of split.tensorBatches(heldOut, batchSize)) {
      await visit(batch, heldOutTokens);
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

/** What a batch's hidden units are added to. */
interface Sums {
  readonly accumulators: readonly StatisticsAccumulator[];
  readonly weights: readonly TokenWeights[];
  /** Tokens of an image. */
  readonly sampled: number;
}

/** Runs one batch through the teacher: the inputs in `rows` go to `sink`, if any, their hidden units into the sums. */
async function visitBatch(
  model: VisionTransformer,
  batch: TensorBatch,
  rows: Int32Array,
  sink: TokenFiles | undefined,
  into?: Sums,
): Promise<void> {
  const inputs: Float32Array[] = [];
  visitBlocks(model, batch.pixels, rows, (block, { input, hidden }) => {
    if (sink !== undefined) inputs.push(input.dataSync<'float32'>());
    into?.accumulators[block]!.add(hidden, rowWeights(into.weights[block]!, rows.length, into.sampled));
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
