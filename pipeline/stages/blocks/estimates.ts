import { splitImages } from '../../../datasets/split-sources.ts';
import { forwardFlops } from '../../model/costs.ts';
import { tokensPerImage, type Architecture } from '../../model/architecture.ts';
import { criteria } from '../../compress/order/criteria.ts';
import { shareImages } from '../../compress/token-weights.ts';
import { calibrationOf, chainImages, heldOutImages, sampledTokens } from '../../recipe/calibration.ts';
import { distillLength } from '../../recipe/distill-length.ts';
import { distillInputs, recipeOf, refitInputs } from '../../recipe/recipe.ts';
import { secondsOf, type Estimate } from '../common/estimates.ts';
import type { BlocksConfig, BlocksInput } from './schema.ts';
import { descents, keepsTrainingTokens, measuredContexts, shardsOf } from './shape.ts';

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
  const shards = shardsOf(config).statistics;
  const { width, hidden, depth } = architecture;
  const images = splitImages(config.data.splits).calibration;
  const tokens = calibrationTokens(config, architecture);
  const kept = tokens.heldOut + (keepsTrainingTokens(config) ? tokens.training : 0);
  const passes = criteria[config.order.criterion].needs.includes('saliency') ? 5.3 : 1.3;
  return {
    seconds: 2 + secondsOf('block', passes * images * forwardFlops(architecture), engine) / shards,
    memoryBytes: 8e8 + depth * hidden * hidden * 12,
    diskBytes: (kept * width * 4 * depth) / shards + depth * hidden * hidden * 8,
  };
}

export function orderEstimate({ architecture: { hidden } }: BlocksInput): Estimate {
  return {
    seconds: 0.2 + 6 * (hidden / 3072) ** 3 * 3,
    memoryBytes: 5e8 + hidden ** 2 * 8 * 4,
    diskBytes: hidden * 16,
  };
}

export function refitEstimate(
  { loaded: { config }, architecture, engine }: BlocksInput,
  block: number,
): Estimate {
  const { width, hidden } = architecture;
  const widths = descents(config, hidden).map((step) => step.width);
  const composed = refitInputs(recipeOf(config)) !== null;
  const images = Math.min(splitImages(config.data.splits).calibration, config.inputs.images);
  const tokens = images * (1 + widths.length) * tokensPerImage(architecture);
  const flops = composed ? tokens * 2 * (6 * width * width + 3 * width * hidden) : 0;
  return {
    seconds: 0.3 + 6 * (hidden / 3072) ** 3 + secondsOf('training', flops, engine),
    memoryBytes: 5e8 + hidden ** 2 * 8 * 3 * (composed ? 1 + widths.length : 1),
    diskBytes:
      widths.reduce((bytes, kept) => bytes + kept * width * 8, 1e4) +
      (composed && block === 0 ? 2 * streamBytes(config, architecture) : 0),
  };
}

export function distillEstimate(
  { loaded: { config }, architecture, engine }: BlocksInput,
  block: number,
): Estimate {
  const { width, hidden, depth } = architecture;
  const { enabled, batchTokens } = config.distill;
  const widths = descents(config, hidden).map((step) => step.width);
  const kept = sum(widths);
  const composed = distillInputs(recipeOf(config));
  const perImage = sampledTokens(config.statistics, architecture);
  const all = calibrationTokens(config, architecture);
  const tokens =
    composed === null
      ? all.training
      : perImage *
        chainImages(
          { ...composed, ...calibrationOf(config) },
          { training: all.training / perImage, heldOut: all.heldOut / perImage },
        ).training;
  const length = distillLength(config.distill, depth, tokens);
  const stepFlops = 2 * width * (2 * hidden + 5 * kept) * Math.min(batchTokens, tokens);
  const seconds =
    typeof length === 'number' ? 1 + secondsOf('block', length * stepFlops, engine) : length.seconds;
  const pairBytes = 2 * (tokens * (1 + widths.length)) * width * 4;
  return {
    seconds: enabled ? seconds : 0.1,
    memoryBytes: 6e8 + batchTokens * (hidden * 4 + kept * 8) * 4 + (composed === null ? 0 : pairBytes),
    diskBytes:
      kept * width * 8 * 4 + (composed !== null && block === 0 ? 2 * streamBytes(config, architecture) : 0),
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
  const passes = contexts * (1 + 0.55 * steps * depth) + 2 * steps;
  return {
    seconds: 2 + sweepSeconds(input, passes) / shardsOf(config).measure,
    memoryBytes: 6e8 + config.measure.batchSize * tokensPerImage(architecture) * width * 4 * (depth + 20),
    diskBytes: splitImages(config.data.splits).selection * 11 * (models + 2 * steps),
  };
}

/** Of one shard. */
export function compositionsEstimate(input: BlocksInput): Estimate {
  const { config } = input.loaded;
  const { hidden } = input.architecture;
  const candidates = 1 + measuredContexts(config, hidden).length;
  const passes = 1 + config.measure.compositions + candidates * descents(config, hidden).length;
  return {
    seconds: 2 + sweepSeconds(input, passes) / shardsOf(config).measure,
    memoryBytes: 8e8,
    diskBytes: splitImages(config.data.splits).selection * 11 * passes,
  };
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

export const profileEstimate: Estimate = { seconds: 3, memoryBytes: 5e8, diskBytes: 1e4 };
export const rankEstimate: Estimate = { seconds: 0.5, memoryBytes: 3e8, diskBytes: 1e6 };
export const reportEstimate: Estimate = { seconds: 5, memoryBytes: 6e8, diskBytes: 1e5 };

export function exportEstimate({ loaded: { config }, architecture }: BlocksInput): Estimate {
  const { width, hidden, depth } = architecture;
  const kept = hidden + sum(descents(config, hidden).map((step) => step.width));
  return {
    seconds: 1 + (depth * kept * width * 8) / 1e8,
    // The check of the frame's graph holds a whole model on the host and on the engine, and its blocks once more.
    memoryBytes: 4e8 + depth * width * hidden * 32,
    diskBytes: depth * (kept * width * 8 + width ** 2 * 16),
  };
}

/** Tokens that calibration yields over all shards. */
function calibrationTokens(config: BlocksConfig, architecture: Architecture) {
  const perImage = sampledTokens(config.statistics, architecture);
  const images = splitImages(config.data.splits).calibration;
  const heldOut = heldOutImages(config.statistics, images);
  return { training: (images - heldOut) * perImage, heldOut: heldOut * perImage };
}

/** Bytes of the streams of one block, all levels; twice as many while they move on. */
function streamBytes(config: BlocksConfig, architecture: Architecture): number {
  const images = Math.min(splitImages(config.data.splits).calibration, config.inputs.images);
  const levels = 1 + descents(config, architecture.hidden).length;
  return images * levels * tokensPerImage(architecture) * architecture.width * 4;
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
