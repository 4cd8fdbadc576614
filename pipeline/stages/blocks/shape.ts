import type { BlocksConfig } from './schema.ts';
import type { UniformStep } from '../../measure/allocations.ts';
import { contextsOf, type Context } from '../../measure/contexts.ts';
import { levelOf, type Level } from '../../measure/level.ts';
import { blockTokens, blockWidth, hiddenUnits, type Architecture } from '../../model/architecture.ts';
import { chainImages, heldOutImages } from '../../recipe/calibration.ts';
import type { UsedImages } from '../../recipe/fitted-on.ts';
import { refitInputs } from '../../recipe/recipe.ts';
import { indices, shardRange } from '../common/artefacts.ts';
import { splitImages } from '../../../datasets/split-sources.ts';
import { fail } from '../../util/failure.ts';

/** What a config and an architecture imply, for the graph and for whoever works on it. Knows numbers, opens nothing. */

/**
 * The descendants' widths, widest first.
 * @param hiddens units of every block of the teacher
 * @throws BlockForgeError `config-invalid` when rounding makes two sparsities of a block the same width or keeps everything.
 */
export function descents(
  { descendants }: Pick<BlocksConfig, 'descendants'>,
  hiddens: readonly number[],
): UniformStep[] {
  const { sparsities, widthMultiple } = descendants;
  const ascending = [...sparsities].sort((a, b) => a - b);
  const widthOf = (hidden: number, sparsity: number): number =>
    Math.max(widthMultiple, Math.round((hidden * (1 - sparsity)) / widthMultiple) * widthMultiple);
  for (const hidden of new Set(hiddens)) {
    for (const [index, sparsity] of ascending.entries()) {
      const width = widthOf(hidden, sparsity);
      const isNeighbours = index > 0 && width === widthOf(hidden, ascending[index - 1]!);
      const clash = width >= hidden ? 'the whole block' : isNeighbours ? 'its neighbour' : null;
      if (clash === null) continue;
      fail({
        reason: 'config-invalid',
        subject: 'descendants',
        found: `sparsity ${sparsity} of ${hidden} hidden units rounds to width ${width}, the same as ${clash}`,
        expected: `widths that differ after rounding to a multiple of ${widthMultiple}`,
        next: 'space the sparsities wider or set a smaller descendants.widthMultiple',
      });
    }
  }
  return ascending.map((sparsity) => ({
    sparsity,
    ...levelOf(hiddens.map((hidden) => widthOf(hidden, sparsity))),
  }));
}

/** Every level of a model, the teacher's first, then its descendants' from the widest. */
export function levelsOf(steps: readonly UniformStep[], hiddens: readonly number[]): Level[] {
  return [levelOf(hiddens), ...steps];
}

export function measuredContexts(
  config: Pick<BlocksConfig, 'descendants' | 'measure'>,
  hiddens: readonly number[],
): Context[] {
  return contextsOf(config.measure.contexts, levelsOf(descents(config, hiddens), hiddens));
}

/** The models to polish. @throws BlockForgeError `config-invalid` for a sparsity that is not in the library. */
export function polishedModels(
  config: Pick<BlocksConfig, 'descendants' | 'polish'>,
  hiddens: readonly number[],
): UniformStep[] {
  const known = descents(config, hiddens);
  return config.polish.sparsities.map((sparsity) => {
    const found = known.find((item) => item.sparsity === sparsity);
    return (
      found ??
      fail({
        reason: 'config-invalid',
        subject: 'polish.sparsities',
        found: String(sparsity),
        expected: `one of descendants.sparsities: ${known.map((item) => item.sparsity).join(', ')}`,
        next: 'polish a sparsity that the library has, or add this one to descendants.sparsities',
      })
    );
  });
}

/** In percent, for names: 62.5, not 62.50000000000001. */
export const removedPercent = (sparsity: number): number => Number((100 * sparsity).toFixed(4));

/** The widths of a job, of all: contiguous, so widest first. */
export function stepsOfShard(
  steps: readonly UniformStep[],
  shard: number,
  shards: number,
): readonly UniformStep[] {
  const { start, end } = shardRange(steps.length, shard, shards);
  return steps.slice(start, end);
}

/** The job that a level is made by, of all; `width` is its name. */
export function shardOf(steps: readonly UniformStep[], width: number, shards: number): number {
  const shard = indices(shards).find((one) =>
    stepsOfShard(steps, one, shards).some((step) => step.width === width),
  );
  if (shard === undefined) throw new RangeError(`no job makes blocks of ${width} hidden units`);
  return shard;
}

/** A shard reads the images anew, one job each: few enough that most runs have one, and sums in one order. */
const imagesPerShard = 2048;

/** Into how many jobs the passes over calibration and selection images are cut, and the widths of all blocks. */
export function shardsOf(
  config: ShardedConfig,
  architecture: Architecture,
): { readonly statistics: number; readonly measure: number; readonly descendants: number } {
  const { data, statistics, measure, descendants } = config;
  const { calibration, selection } = splitImages(data.splits);
  const widths = descents(config, hiddenUnits(architecture)).length;
  return {
    statistics: statistics.shards ?? Math.ceil(calibration / imagesPerShard),
    measure: measure.shards ?? Math.ceil(selection / imagesPerShard),
    descendants: Math.min(widths, descendants.shards ?? fewestJobs(config, architecture, widths)),
  };
}

type ShardedConfig = Pick<
  BlocksConfig,
  'data' | 'statistics' | 'measure' | 'descendants' | 'inputs' | 'refit'
>;

/** So that the streams of each fit on disk; where not even those of one width do, a job for each. */
function fewestJobs(config: ShardedConfig, architecture: Architecture, widths: number): number {
  const images = streamedImages(config);
  const most = Math.floor((config.inputs.diskGB * 1e9) / Math.max(1, images * streamBytes(architecture))) - 1;
  return Math.ceil(widths / Math.max(1, Math.min(widths, most)));
}

/** Calibration images that the refit takes through compressed models; 0 where it looks at the teacher alone. */
export function streamedImages(config: ImagesConfig & Pick<BlocksConfig, 'refit'>): number {
  if (refitInputs(config) === null) return 0;
  const { training, heldOut } = usedImages(config, config.inputs.images);
  return training + heldOut;
}

/** Calibration images that distillation uses, and those it is judged on. */
export function distilledImages(config: ImagesConfig): UsedImages {
  return usedImages(config, config.inputs.from === 'composed' ? config.inputs.images : null);
}

type ImagesConfig = Pick<BlocksConfig, 'data' | 'inputs' | 'statistics'>;

/** @param images most of both; null: all of them */
function usedImages(
  { data, statistics: { heldOut: share } }: Pick<ImagesConfig, 'data' | 'statistics'>,
  images: number | null,
): UsedImages {
  const { calibration } = splitImages(data.splits);
  const heldOut = heldOutImages({ heldOut: share }, calibration);
  return chainImages({ images, heldOut: share }, { training: calibration - heldOut, heldOut });
}

/** Of an image's residual stream on disk, at one width: 16 bits a number, and a scale for each token; in the block where it is largest. */
export function streamBytes(architecture: Architecture): number {
  return Math.max(
    ...indices(architecture.depth).map(
      (block) => blockTokens(architecture, block) * (2 * blockWidth(architecture, block) + 4),
    ),
  );
}
