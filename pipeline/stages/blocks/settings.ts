import { criteria } from '../../compress/order/criteria.ts';
import { calibrationOf } from '../../recipe/calibration.ts';
import { classFacts } from '../common/manifest-classes.ts';
import { distillInputs, recipeOf, refitInputs } from '../../recipe/recipe.ts';
import type { BlocksInput } from './schema.ts';
import { descents, keepsTrainingTokens, measuredContexts, shardsOf } from './shape.ts';
import type { UniformStep } from '../../measure/allocations.ts';
import type { ClassShareSettings } from './work/class-share.ts';
import type { CompositionsSettings } from './work/compositions.ts';
import type { DistillJobSettings } from './work/distill.ts';
import type { ExportSettings } from './work/export.ts';
import type { MeasureSettings } from './work/measure.ts';
import type { OrderSettings } from './work/order.ts';
import type { PolishSettings } from './work/polish.ts';
import type { ProfileSettings } from './work/profile.ts';
import type { RankSettings } from './work/rank.ts';
import type { RefitSettings } from './work/refit.ts';
import type { ReportSettings } from './work/report.ts';
import type { StatisticsSettings } from './work/statistics.ts';

/**
 * What the result of every job depends on, beside its inputs: all that its work is given of the config. What the jobs it
 * reads from depend on (the teacher, its preprocessing, the splits) needs no saying again.
 */

export function classShareSettings({ loaded: { config } }: BlocksInput): ClassShareSettings {
  const { seed, heldOut } = calibrationOf(config);
  return { tokenWeights: config.statistics.tokenWeights, heldOut, seed };
}

export function statisticsSettings({ loaded: { config } }: BlocksInput, shard: number): StatisticsSettings {
  return {
    calibration: calibrationOf(config),
    batchSize: config.statistics.batchSize,
    needs: criteria[config.order.criterion].needs,
    trainingTokens: keepsTrainingTokens(config),
    shard,
    shards: shardsOf(config).statistics,
  };
}

export function orderSettings({ loaded }: BlocksInput, block: number): OrderSettings {
  return { ...loaded.config.order, block, shards: shardsOf(loaded.config).statistics };
}

export function refitSettings(input: BlocksInput, block: number): RefitSettings {
  const { config } = input.loaded;
  return {
    ...config.refit,
    ridge: config.order.ridge,
    steps: stepsOf(input),
    composed: refitInputs(recipeOf(config)),
    calibration: calibrationOf(config),
    block,
    shards: shardsOf(input.loaded.config).statistics,
  };
}

export function distillSettings(
  { loaded: { config }, precision }: BlocksInput,
  block: number,
): DistillJobSettings {
  return {
    distill: config.distill,
    precision: config.distill.enabled ? precision.steps : 'float32',
    composed: distillInputs(recipeOf(config)),
    calibration: calibrationOf(config),
    block,
    shards: shardsOf(config).statistics,
  };
}

export function measureSettings(input: BlocksInput, shard: number): MeasureSettings {
  return {
    steps: stepsOf(input),
    contexts: contextsOf(input),
    distilled: input.loaded.config.distill.enabled,
    shard,
    shards: shardsOf(input.loaded.config).measure,
  };
}

export function compositionsSettings(input: BlocksInput, shard: number): CompositionsSettings {
  const { seed, measure } = input.loaded.config;
  return {
    seed,
    random: measure.compositions,
    steps: stepsOf(input),
    contexts: contextsOf(input),
    shard,
    shards: shardsOf(input.loaded.config).measure,
  };
}

export function polishSettings(
  { loaded: { config } }: BlocksInput,
  { sparsity, width }: UniformStep,
): PolishSettings {
  const { seed, heldOut } = calibrationOf(config);
  const { steps, batchSize, learningRate, warmupShare, weightDecay, hiddenWeight } = config.polish;
  return {
    training: { steps, batchSize, learningRate, warmupShare, weightDecay, hiddenWeight },
    sparsity,
    width,
    calibration: { seed, heldOut },
    confidence: config.measure.confidence,
  };
}

export function profileSettings(input: BlocksInput): ProfileSettings {
  return {
    latency: input.loaded.config.measure.latency,
    widths: stepsOf(input).map(({ width }) => width),
    architecture: { ...input.architecture },
  };
}

export function rankSettings(input: BlocksInput): RankSettings {
  const { rank, measure, distill } = input.loaded.config;
  return {
    resource: rank.resource,
    confidence: measure.confidence,
    steps: stepsOf(input),
    contexts: contextsOf(input),
    distilled: distill.enabled,
    shards: shardsOf(input.loaded.config).measure,
  };
}

export function exportSettings(input: BlocksInput): ExportSettings {
  const { config } = input.loaded;
  return {
    forms: config.export.forms,
    seed: config.seed,
    confidence: config.measure.confidence,
    resource: config.rank.resource,
    distilled: config.distill.enabled,
    steps: stepsOf(input),
    classes: classFacts(input.inputs.classes),
    recipe: recipeOf(config),
    heldOut: config.statistics.heldOut,
    config,
  };
}

export function reportSettings(input: BlocksInput, polished: readonly number[]): ReportSettings {
  const { seed, measure, distill } = input.loaded.config;
  return {
    seed,
    confidence: measure.confidence,
    steps: stepsOf(input),
    distilled: distill.enabled,
    polished,
  };
}

const stepsOf = ({ loaded, architecture }: BlocksInput) => descents(loaded.config, architecture.hidden);
const contextsOf = ({ loaded, architecture }: BlocksInput) =>
  measuredContexts(loaded.config, architecture.hidden);
