import { criteria } from '../../compress/order/criteria.ts';
import { withoutOperation } from '../../config/without-operation.ts';
import { calibrationOf } from '../../recipe/calibration.ts';
import { measureKindOf } from '../common/answering.ts';
import { classFacts } from '../common/manifest-classes.ts';
import { distillInputs, recipeOf, refitInputs } from '../../recipe/recipe.ts';
import type { BlocksInput } from './schema.ts';
import { descents, levelsOf, measuredContexts, shardOf, shardsOf, stepsOfShard } from './shape.ts';
import { hiddenUnits } from '../../model/architecture.ts';
import { widthIn } from '../../measure/level.ts';
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
import type { RefitSettings } from './work/fit.ts';
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

export function statisticsSettings(
  { loaded: { config }, architecture }: BlocksInput,
  shard: number,
): StatisticsSettings {
  return {
    calibration: calibrationOf(config),
    batchSize: config.statistics.batchSize,
    needs: criteria[config.order.criterion].needs,
    shard,
    shards: shardsOf(config, architecture).statistics,
  };
}

export function orderSettings({ loaded, architecture }: BlocksInput, block: number): OrderSettings {
  return { ...loaded.config.order, block, shards: shardsOf(loaded.config, architecture).statistics };
}

export function refitSettings(input: BlocksInput, shard: number): RefitSettings {
  const { config } = input.loaded;
  const shards = shardsOf(config, input.architecture);
  return {
    ...config.refit,
    ridge: config.order.ridge,
    steps: stepsOfShard(stepsOf(input), shard, shards.descendants),
    composed: refitInputs(recipeOf(config)),
    calibration: calibrationOf(config),
    statistics: shards.statistics,
  };
}

export function distillSettings(input: BlocksInput, shard: number): DistillJobSettings {
  const { config } = input.loaded;
  const { distill } = config;
  return {
    shard,
    steps: stepsOfShard(stepsOf(input), shard, descendantJobs(input)),
    distill,
    precision: distill.enabled ? input.precision.steps : 'float32',
    composed: distillInputs(recipeOf(config)),
    calibration: calibrationOf(config),
  };
}

export function measureSettings(input: BlocksInput, shard: number): MeasureSettings {
  return {
    steps: stepsOf(input),
    contexts: contextsOf(input),
    distilled: input.loaded.config.distill.enabled,
    descendantJobs: descendantJobs(input),
    shard,
    shards: shardsOf(input.loaded.config, input.architecture).measure,
  };
}

export function compositionsSettings(input: BlocksInput, shard: number): CompositionsSettings {
  const { seed, measure } = input.loaded.config;
  return {
    seed,
    fitted: measure.compositions,
    steps: stepsOf(input),
    contexts: contextsOf(input),
    descendantJobs: descendantJobs(input),
    shard,
    shards: shardsOf(input.loaded.config, input.architecture).measure,
  };
}

export function polishSettings(input: BlocksInput, step: UniformStep): PolishSettings {
  const { config } = input.loaded;
  const { seed, heldOut } = calibrationOf(config);
  const { steps, batchSize, learningRate, warmupShare, weightDecay, hiddenWeight } = config.polish;
  return {
    training: { steps, batchSize, learningRate, warmupShare, weightDecay, hiddenWeight },
    ...step,
    shard: shardOf(stepsOf(input), step.width, descendantJobs(input)),
    calibration: { seed, heldOut },
    confidence: config.measure.confidence,
  };
}

export function profileSettings(input: BlocksInput): ProfileSettings {
  const steps = stepsOf(input);
  const hiddens = hiddenUnits(input.architecture);
  const levels = levelsOf(steps, hiddens);
  return {
    latency: input.loaded.config.measure.latency,
    widths: steps.map(({ width }) => width),
    ...(levels.some(({ widths }) => widths !== undefined) && {
      blocks: hiddens.map((_, block) => levels.map((level) => widthIn(level, block))),
    }),
    architecture: { ...input.architecture },
  };
}

export function rankSettings(input: BlocksInput): RankSettings {
  const { rank, measure, distill } = input.loaded.config;
  const kind = measureKindOf(input);
  return {
    resource: rank.resource,
    confidence: measure.confidence,
    steps: stepsOf(input),
    contexts: contextsOf(input),
    distilled: distill.enabled,
    shards: shardsOf(input.loaded.config, input.architecture).measure,
    ...(kind !== 'classes' && { kind, classes: input.inputs.classes.names.length }),
  };
}

export function exportSettings(input: BlocksInput): ExportSettings {
  const { config } = input.loaded;
  const kind = measureKindOf(input);
  return {
    forms: config.export.forms,
    seed: config.seed,
    confidence: config.measure.confidence,
    resource: config.rank.resource,
    distilled: config.distill.enabled,
    steps: stepsOf(input),
    descendantJobs: descendantJobs(input),
    classes: classFacts(input.inputs.classes),
    recipe: recipeOf(config),
    heldOut: config.statistics.heldOut,
    config: withoutOperation(config),
    ...(kind !== 'classes' && { kind }),
    ...(typeof config.teacher.head === 'object' && { fittedHead: true as const }),
  };
}

export function reportSettings(input: BlocksInput, polished: readonly number[]): ReportSettings {
  const { seed, measure, distill, report } = input.loaded.config;
  return {
    seed,
    confidence: measure.confidence,
    steps: stepsOf(input),
    distilled: distill.enabled,
    descendantJobs: descendantJobs(input),
    polished,
    examples: report.examples,
  };
}

const stepsOf = ({ loaded, architecture }: BlocksInput) => descents(loaded.config, hiddenUnits(architecture));
const contextsOf = ({ loaded, architecture }: BlocksInput) =>
  measuredContexts(loaded.config, hiddenUnits(architecture));
const descendantJobs = ({ loaded, architecture }: BlocksInput) =>
  shardsOf(loaded.config, architecture).descendants;
