import type { BlocksConfig } from './schema.ts';
import type { UniformStep } from '../../measure/allocations.ts';
import { contextsOf, type Context } from '../../measure/contexts.ts';
import type { Plain } from '../common/artefacts.ts';
import { splitImages } from '../../../datasets/split-sources.ts';
import { fail } from '../../util/failure.ts';

/** What a config and an architecture imply, for the graph and for whoever works on it. Knows numbers, opens nothing. */

/**
 * The descendants' widths for blocks of `hidden` units, widest first.
 * @throws BlockForgeError `config-invalid` when rounding makes two sparsities the same width or keeps everything.
 */
export function descents({ descendants }: Pick<BlocksConfig, 'descendants'>, hidden: number): UniformStep[] {
  const { sparsities, widthMultiple } = descendants;
  const result = [...sparsities]
    .sort((a, b) => a - b)
    .map((sparsity) => ({
      sparsity,
      width: Math.max(widthMultiple, Math.round((hidden * (1 - sparsity)) / widthMultiple) * widthMultiple),
    }));
  for (const [index, { sparsity, width }] of result.entries()) {
    const clash =
      width >= hidden ? 'the whole block' : width === result[index - 1]?.width ? 'its neighbour' : null;
    if (clash === null) continue;
    fail({
      reason: 'config-invalid',
      subject: 'descendants',
      found: `sparsity ${sparsity} of ${hidden} hidden units rounds to width ${width}, the same as ${clash}`,
      expected: `widths that differ after rounding to a multiple of ${widthMultiple}`,
      next: 'space the sparsities wider or set a smaller descendants.widthMultiple',
    });
  }
  return result;
}

/** Every width of a block, the teacher's first, then its descendants' from the widest. */
export function blockWidths(steps: readonly UniformStep[], hidden: number): number[] {
  return [hidden, ...steps.map(({ width }) => width)];
}

export function measuredContexts(
  config: Pick<BlocksConfig, 'descendants' | 'measure'>,
  hidden: number,
): Plain<Context>[] {
  const widths = blockWidths(descents(config, hidden), hidden);
  return contextsOf(config.measure.contexts, widths).map((context) => ({ ...context }));
}

/** Whether anything reads the sampled inputs of training images: composed inputs are streamed anew for every block. */
export function keepsTrainingTokens({ inputs }: Pick<BlocksConfig, 'inputs'>): boolean {
  return inputs.from === 'teacher';
}

/** The models to polish. @throws BlockForgeError `config-invalid` for a sparsity that is not in the library. */
export function polishedModels(
  config: Pick<BlocksConfig, 'descendants' | 'polish'>,
  hidden: number,
): UniformStep[] {
  const known = descents(config, hidden);
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

/** A shard reads the images anew, one job each: few enough that most runs have one, and sums in one order. */
const imagesPerShard = 2048;

/** Into how many jobs the passes over calibration and selection images are cut. */
export function shardsOf({
  data,
  statistics,
  measure,
}: Pick<BlocksConfig, 'data' | 'statistics' | 'measure'>): {
  readonly statistics: number;
  readonly measure: number;
} {
  const { calibration, selection } = splitImages(data.splits);
  return {
    statistics: statistics.shards ?? Math.ceil(calibration / imagesPerShard),
    measure: measure.shards ?? Math.ceil(selection / imagesPerShard),
  };
}
