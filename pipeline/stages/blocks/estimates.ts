import { splitImages } from '../../../datasets/split-sources.ts';
import { forwardFlops } from '../../model/costs.ts';
import { tokensPerImage, type Architecture } from '../../model/architecture.ts';
import { criteria } from '../../compress/order/criteria.ts';
import { shareImages } from '../../compress/token-weights.ts';
import { looks, lookImages } from '../../distill/schedule.ts';
import { stepMacs } from '../../distill/step-macs.ts';
import { heldOutImages, sampledTokens } from '../../recipe/calibration.ts';
import { distillLength } from '../../recipe/distill-length.ts';
import { distillInputs, recipeOf, trainingInputs } from '../../recipe/recipe.ts';
import { indices } from '../common/artefacts.ts';
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
  const { width, hidden, depth } = architecture;
  const images = splitImages(config.data.splits).calibration;
  const heldOut = heldOutImages(config.statistics, images) * sampledTokens(config.statistics, architecture);
  const passes = criteria[config.order.criterion].needs.includes('saliency') ? 5.3 : 1.3;
  return {
    seconds: 2 + secondsOf('block', passes * images * forwardFlops(architecture), engine) / shards,
    memoryBytes: 8e8 + depth * hidden * hidden * 12,
    diskBytes: (heldOut * width * 4 * depth) / shards + depth * hidden * hidden * 8,
  };
}

export function orderEstimate({ architecture: { hidden } }: BlocksInput): Estimate {
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
  const { width, hidden, depth } = architecture;
  const widths = shardWidths(config, architecture, shard);
  const images = streamedImages(config);
  const moved = images * sum([hidden, ...widths].map((kept) => flopsAt(architecture, kept)));
  const sampled = images * sampledTokens(config.statistics, architecture) * depth;
  const summed = sampled * 2 * sum(widths.map((kept) => kept * (kept + width)));
  const streams = images * (1 + widths.length) * streamBytes(architecture);
  const kept = Math.min(streams, config.inputs.diskGB * 1e9);
  // What is not kept goes through all blocks before, at every block.
  const again = streams === 0 ? 0 : (1 - kept / streams) * moved * (depth / 2);
  const solves = sum([hidden, ...(images === 0 ? [] : widths)].map((units) => 6 * (units / 3072) ** 3));
  return {
    seconds:
      1.2 +
      depth * (0.2 + solves + (images / 25) * (1 + widths.length) * 4 * askedSeconds) +
      secondsOf('inference', moved + again, engine) +
      secondsOf('block', summed, engine) +
      (2 * depth * kept) / diskBytesPerSecond,
    memoryBytes: 6e8 + 8 * 3 * sum([hidden, ...(images === 0 ? [] : widths)].map((units) => units ** 2)),
    diskBytes: depth * sum(widths) * width * 8 + 1e4 + kept,
  };
}

/** Of one shard. */
export function distillEstimate(
  { loaded: { config }, architecture, engine }: BlocksInput,
  shard: number,
): Estimate {
  const { enabled, batchSize } = config.distill;
  const { width, depth } = architecture;
  const widths = shardWidths(config, architecture, shard);
  const used = distilledImages(config);
  const { composedShare, lookahead } = trainingInputs(distillInputs(recipeOf(config)), config.distill);
  const images = Math.min(batchSize, used.training);
  const own = Math.round(composedShare * images);
  const hiddens = widths.map((kept) => indices(depth).map(() => kept));
  const step = 2 * stepMacs({ architecture, hiddens, own, given: images - own, lookahead });
  const looked = sum(widths.map((kept) => flopsAt(architecture, kept))) + forwardFlops(architecture);
  const looksFlops = (1 + looks) * Math.min(used.heldOut, lookImages) * looked;
  const length = distillLength(config.distill, used.training);
  const seconds =
    typeof length === 'number'
      ? 3 +
        length * depth * (1 + widths.length) * askedSeconds +
        secondsOf('training', length * step + looksFlops, engine)
      : length.seconds;
  const bytes = depth * sum(widths) * width * 8;
  return {
    seconds: enabled ? seconds : 0.1,
    memoryBytes: 8e8 + 5 * bytes + (enabled ? batchSize * depth * savedBytes(architecture) : 0),
    diskBytes: bytes * (enabled ? 5 : 1),
  };
}

/** Of one shard. */
export function measureEstimate(input: BlocksInput): Estimate {
  const { architecture } = input;
  const { config } = input.loaded;
  const { width, hidden, depth } = architecture;
  const steps = descents(config, hidden).length;
  const contexts = measuredContexts(config, hidden).length;
  const models = contexts * (1 + steps * depth);
  const passes = contexts * (1 + 0.55 * steps * depth) + 3 * steps;
  return {
    seconds: 1.2 + sweepSeconds(input, passes) / shardsOf(config, architecture).measure,
    memoryBytes: 6e8 + config.measure.batchSize * tokensPerImage(architecture) * width * 4 * (depth + 20),
    diskBytes: splitImages(config.data.splits).selection * 11 * (models + 3 * steps),
  };
}

/** Of one shard. */
export function compositionsEstimate(input: BlocksInput): Estimate {
  const { architecture } = input;
  const { config } = input.loaded;
  const { hidden } = architecture;
  const candidates = 1 + measuredContexts(config, hidden).length;
  const passes = 1 + config.measure.compositions + candidates * descents(config, hidden).length;
  return {
    seconds: 0.8 + sweepSeconds(input, passes) / shardsOf(config, architecture).measure,
    memoryBytes: 8e8,
    diskBytes: splitImages(config.data.splits).selection * 11 * passes,
  };
}

/** Every whole model once more on the test images. */
export function reportEstimate({ loaded: { config }, architecture, engine }: BlocksInput): Estimate {
  const { test } = splitImages(config.data.splits);
  const models = 1 + 3 * descents(config, architecture.hidden).length;
  const seconds = secondsOf('inference', models * forwardFlops(architecture) * test, engine);
  return { seconds: (test === 0 ? 0.2 : 1) + seconds, memoryBytes: 6e8, diskBytes: 1e5 };
}

/** @param width of every block of the model to polish */
export function polishEstimate(
  { loaded: { config }, architecture, engine }: BlocksInput,
  width: number,
): Estimate {
  const { steps, batchSize } = config.polish;
  const passes = 4 * steps * batchSize + 3 * splitImages(config.data.splits).selection;
  return {
    seconds: 5 + secondsOf('training', passes * forwardFlops(architecture), engine),
    memoryBytes: 8e8 + batchSize * architecture.depth * savedBytes(architecture),
    diskBytes: 5 * architecture.depth * width * architecture.width * 8,
  };
}

export const profileEstimate: Estimate = { seconds: 1, memoryBytes: 5e8, diskBytes: 1e4 };
export const rankEstimate: Estimate = { seconds: 0.5, memoryBytes: 3e8, diskBytes: 1e6 };

export function exportEstimate({ loaded: { config }, architecture }: BlocksInput): Estimate {
  const { width, hidden, depth } = architecture;
  const kept = hidden + sum(descents(config, hidden).map((step) => step.width));
  return {
    seconds: 3.5 + (depth * kept * width * 8) / 1e8,
    // The check of the frame's graph holds a whole model on the host and on the engine, and its blocks once more.
    memoryBytes: 4e8 + depth * width * hidden * 32,
    diskBytes: depth * (kept * width * 8 + width ** 2 * 16),
  };
}

function shardWidths(config: BlocksConfig, architecture: Architecture, shard: number): number[] {
  const { descendants } = shardsOf(config, architecture);
  return stepsOfShard(descents(config, architecture.hidden), shard, descendants).map((step) => step.width);
}

/** A forward pass of an image, all blocks of so many hidden units. */
function flopsAt(architecture: Architecture, hidden: number): number {
  return forwardFlops({ ...architecture, hidden });
}

/** Seconds of so many forward passes of the teacher over the selection images. */
function sweepSeconds({ loaded, architecture, engine }: BlocksInput, passes: number): number {
  const { selection } = splitImages(loaded.config.data.splits);
  return secondsOf('inference', passes * forwardFlops(architecture) * selection, engine);
}

/**
 * What one layer saves of one image for its gradient: 14 floats per token of D + H (fitted to ViT-Tiny, which takes 5.3 GB
 * with batches of 32) and three of every attention weight.
 */
function savedBytes(architecture: Architecture): number {
  const tokens = tokensPerImage(architecture);
  const { width, hidden, heads } = architecture;
  return 4 * (14 * tokens * (width + hidden) + 3 * heads * tokens ** 2);
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
