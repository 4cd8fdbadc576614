import { splitImages } from '../../../datasets/split-sources.ts';
import { forwardFlops } from '../../model/costs.ts';
import { blockWidth, hiddenUnits, type Architecture } from '../../model/architecture.ts';
import { widthsAt, type Level } from '../../measure/level.ts';
import { criteria } from '../../compress/order/criteria.ts';
import { shareImages } from '../../compress/token-weights.ts';
import { looks, lookImages } from '../../distill/schedule.ts';
import { stepMacs } from '../../distill/step-macs.ts';
import { heldOutImages, sampledTokens } from '../../recipe/calibration.ts';
import { distillLength } from '../../recipe/distill-length.ts';
import { distillInputs, recipeOf, trainingInputs } from '../../recipe/recipe.ts';
import { givenBytes, largestStreamBytes, passBytes, savedBytes } from './batch-memory.ts';
import { secondsOf, type Estimate } from '../common/estimates.ts';
import type { BlocksConfig, BlocksInput } from './schema.ts';
import {
  descents,
  distilledImages,
  measuredContexts,
  shardsOf,
  stepsOfShard,
  streamBytes,
  streamedImages,
} from './shape.ts';

/** Reads and writes of large files, on a disk that is no more than fair. */
const diskBytesPerSecond = 5e8;

/** What a block of one model takes for a batch, however small it is: its operations are asked for one by one. */
const askedSeconds = 1e-3;

/** What jobs take: seconds on two cores, bytes of memory, bytes written. Guesses, for `--plan` and the order of jobs. */

export function classShareEstimate({ loaded: { config }, architecture, engine }: BlocksInput): Estimate {
  const images = Math.min(shareImages, splitImages(config.data.splits).calibration);
  const flops = 4.5 * images * forwardFlops(architecture);
  const asked = config.statistics.tokenWeights === 'gradient';
  return {
    seconds: asked ? 1 + secondsOf('inference', flops, engine) : 0.1,
    memoryBytes: 8e8,
    diskBytes: 1e3,
  };
}

/** Of one shard. */
export function statisticsEstimate({ loaded: { config }, architecture, engine }: BlocksInput): Estimate {
  const shards = shardsOf(config, architecture).statistics;
  const hiddens = hiddenUnits(architecture);
  const images = splitImages(config.data.splits).calibration;
  const kept = sumOf(hiddens, (_, block) => sampledTokens(config.statistics, architecture, block) * blockWidth(architecture, block)); // prettier-ignore
  const squares = sumOf(hiddens, (hidden) => hidden ** 2);
  const { batchSize } = config.statistics;
  const bytes = passBytes(architecture);
  const passes = criteria[config.order.criterion].needs.includes('saliency') ? 5.3 : 1.3;
  return {
    seconds: 2 + secondsOf('block', passes * images * forwardFlops(architecture), engine) / shards,
    memoryBytes: 8e8 + squares * 12 + batchSize * bytes,
    batch: { setting: 'statistics.batchSize', images: batchSize, bytes },
    diskBytes: (heldOutImages(config.statistics, images) * kept * 4) / shards + squares * 8,
  };
}

export function orderEstimate({ architecture }: BlocksInput, block: number): Estimate {
  const hidden = hiddenUnits(architecture)[block]!;
  return {
    seconds: 0.4 + 6 * (hidden / 3072) ** 3 * 3,
    memoryBytes: 5e8 + hidden ** 2 * 8 * 4,
    diskBytes: hidden * 16,
  };
}

/** Of one shard: at every level, all images go through all blocks once, and what a block is shown is summed on the way. */
export function refitEstimate(
  { loaded: { config }, architecture, engine }: BlocksInput,
  shard: number,
): Estimate {
  const { depth } = architecture;
  const hiddens = hiddenUnits(architecture);
  const levels = shardLevels(config, architecture, shard);
  const images = streamedImages(config);
  const moved = images * sumOf([hiddens, ...levels], (kept) => forwardFlops(architecture, kept));
  const summed = images * sumOf(levels, (widths) => sumOf(widths, (kept, block) => sampledTokens(config.statistics, architecture, block) * 2 * kept * (kept + blockWidth(architecture, block)))); // prettier-ignore
  const streams = images * (1 + levels.length) * streamBytes(architecture);
  const kept = Math.min(streams, config.inputs.diskGB * 1e9);
  // What is not kept goes through all blocks before, at every block.
  const again = streams === 0 ? 0 : (1 - kept / streams) * moved * (depth / 2);
  const solved = [hiddens, ...(images === 0 ? [] : levels)];
  const solves = sumOf(solved, (widths) => sumOf(widths, (units) => 6 * (units / 3072) ** 3));
  const largest = sumOf(solved, (widths) => Math.max(...widths) ** 2);
  return {
    seconds:
      1.2 +
      depth * (0.2 + (images / 25) * (1 + levels.length) * 4 * askedSeconds) +
      solves +
      secondsOf('inference', moved + again, engine) +
      secondsOf('block', summed, engine) +
      (2 * depth * kept) / diskBytesPerSecond,
    memoryBytes: 6e8 + 8 * 3 * largest,
    diskBytes: sumOf(levels, (widths) => weightBytes(architecture, widths)) + 1e4 + kept,
  };
}

/** Of one shard. */
export function distillEstimate(
  { loaded: { config }, architecture, engine }: BlocksInput,
  shard: number,
): Estimate {
  const { enabled, batchSize } = config.distill;
  const { depth } = architecture;
  const hiddens = shardLevels(config, architecture, shard);
  const used = distilledImages(config);
  const { composedShare, lookahead } = trainingInputs(distillInputs(recipeOf(config)), config.distill);
  const images = Math.min(batchSize, used.training);
  const own = Math.round(composedShare * images);
  const step = 2 * stepMacs({ architecture, hiddens, own, given: images - own, lookahead });
  const looked = sumOf(hiddens, (kept) => forwardFlops(architecture, kept)) + forwardFlops(architecture);
  const looksFlops = (1 + looks) * Math.min(used.heldOut, lookImages) * looked;
  const length = distillLength(config.distill, used.training);
  const seconds =
    typeof length === 'number'
      ? 3 +
        length * depth * (1 + hiddens.length) * askedSeconds +
        secondsOf('training', length * step + looksFlops, engine)
      : length.seconds;
  const bytes = sumOf(hiddens, (widths) => weightBytes(architecture, widths));
  // All images pass the teacher; those that go through a student's own blocks are differentiated.
  const stepBytes = images * givenBytes(architecture) + own * savedBytes(architecture);
  return {
    seconds: enabled ? seconds : 0.1,
    memoryBytes: 8e8 + 5 * bytes + (enabled ? stepBytes : 0),
    diskBytes: bytes * (enabled ? 5 : 1),
    ...(enabled && { batch: { setting: 'distill.batchSize', images, bytes: stepBytes / images } }),
  };
}

/** Of one shard. */
export function measureEstimate(input: BlocksInput): Estimate {
  const { architecture } = input;
  const { config } = input.loaded;
  const { depth } = architecture;
  const hiddens = hiddenUnits(architecture);
  const steps = descents(config, hiddens).length;
  const contexts = measuredContexts(config, hiddens).length;
  const { batchSize } = config.measure;
  // The streams before all blocks are kept for the models that differ in one of them.
  const bytes = depth * largestStreamBytes(architecture) + passBytes(architecture);
  const models = contexts * (1 + steps * depth);
  const passes = contexts * (1 + 0.55 * steps * depth) + 3 * steps;
  return {
    seconds: 1.2 + sweepSeconds(input, passes) / shardsOf(config, architecture).measure,
    memoryBytes: 6e8 + batchSize * bytes,
    batch: { setting: 'measure.batchSize', images: batchSize, bytes },
    diskBytes: splitImages(config.data.splits).selection * 11 * (models + 3 * steps),
  };
}

/** Of one shard. */
export function compositionsEstimate(input: BlocksInput): Estimate {
  const { architecture } = input;
  const { config } = input.loaded;
  const hiddens = hiddenUnits(architecture);
  const candidates = 1 + measuredContexts(config, hiddens).length;
  const passes = 1 + config.measure.compositions + candidates * descents(config, hiddens).length;
  return {
    seconds: 0.8 + sweepSeconds(input, passes) / shardsOf(config, architecture).measure,
    ...passMemory(input),
    diskBytes: splitImages(config.data.splits).selection * 11 * passes,
  };
}

/** Every whole model once more on the test images. */
export function reportEstimate(input: BlocksInput): Estimate {
  const { loaded: { config }, architecture, engine } = input; // prettier-ignore
  const { test } = splitImages(config.data.splits);
  const models = 1 + 3 * descents(config, hiddenUnits(architecture)).length;
  const seconds = secondsOf('inference', models * forwardFlops(architecture) * test, engine);
  return { seconds: (test === 0 ? 0.2 : 1) + seconds, ...passMemory(input), diskBytes: 1e5 };
}

/** @param level of the model to polish */
export function polishEstimate(
  { loaded: { config }, architecture, engine }: BlocksInput,
  level: Level,
): Estimate {
  const { steps, batchSize } = config.polish;
  const passes = 4 * steps * batchSize + 3 * splitImages(config.data.splits).selection;
  return {
    seconds: 5 + secondsOf('training', passes * forwardFlops(architecture), engine),
    memoryBytes: 8e8 + batchSize * savedBytes(architecture),
    batch: { setting: 'polish.batchSize', images: batchSize, bytes: savedBytes(architecture) },
    diskBytes: 5 * weightBytes(architecture, widthsAt(level, architecture.depth)),
  };
}

export const profileEstimate: Estimate = { seconds: 1, memoryBytes: 5e8, diskBytes: 1e4 };
export const rankEstimate: Estimate = { seconds: 0.5, memoryBytes: 3e8, diskBytes: 1e6 };

export function exportEstimate({ loaded: { config }, architecture }: BlocksInput): Estimate {
  const { depth } = architecture;
  const hiddens = hiddenUnits(architecture);
  const steps = descents(config, hiddens).map((step) => widthsAt(step, depth));
  const bytes = sumOf([hiddens, ...steps], (widths) => weightBytes(architecture, widths));
  return {
    seconds: 3.5 + bytes / 1e8,
    // The check of the frame's graph holds a whole model on the host and on the engine, and its blocks once more.
    memoryBytes: 4e8 + 4 * weightBytes(architecture, hiddens),
    diskBytes: bytes + sumOf(hiddens, (_, block) => blockWidth(architecture, block) ** 2 * 16),
  };
}

/** By level of the job, the widths of all blocks. */
function shardLevels(config: BlocksConfig, architecture: Architecture, shard: number): number[][] {
  const { descendants } = shardsOf(config, architecture);
  const steps = descents(config, hiddenUnits(architecture));
  return stepsOfShard(steps, shard, descendants).map((step) => widthsAt(step, architecture.depth));
}

/** Of the matrices of all FFN blocks, each of so many hidden units. */
function weightBytes(architecture: Architecture, widths: readonly number[]): number {
  const bytes = architecture.gated === true ? 12 : 8;
  return sumOf(widths, (kept, block) => kept * blockWidth(architecture, block) * bytes);
}

/** Seconds of so many forward passes of the teacher over the selection images. */
function sweepSeconds({ loaded, architecture, engine }: BlocksInput, passes: number): number {
  const { selection } = splitImages(loaded.config.data.splits);
  return secondsOf('inference', passes * forwardFlops(architecture) * selection, engine);
}

/** Whole models, each in passes over batches of `measure.batchSize`. */
function passMemory({ loaded, architecture }: BlocksInput): Pick<Estimate, 'memoryBytes' | 'batch'> {
  const [images, bytes] = [loaded.config.measure.batchSize, passBytes(architecture)];
  return { memoryBytes: 6e8 + images * bytes, batch: { setting: 'measure.batchSize', images, bytes } };
}

function sumOf<T>(items: readonly T[], of: (item: T, index: number) => number): number {
  return items.reduce((total, item, index) => total + of(item, index), 0);
}
