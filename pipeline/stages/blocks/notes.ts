import { splitImages } from '../../../datasets/split-sources.ts';
import { distillLength } from '../../recipe/distill-length.ts';
import { capWarning, describeFittedOn, fittedOn, type FittedOn } from '../../recipe/fitted-on.ts';
import { recipeOf } from '../../recipe/recipe.ts';
import { hiddenUnits } from '../../model/architecture.ts';
import { formatBytes } from '../../util/format.ts';
import type { BlocksConfig, BlocksInput } from './schema.ts';
import { descents, shardsOf, streamBytes, streamedImages } from './shape.ts';

/** What will be used of the calibration images. */
export function plannedFit({ loaded: { config } }: BlocksInput): FittedOn {
  const { calibration } = splitImages(config.data.splits);
  return fittedOn(recipeOf(config), config.statistics.heldOut, calibration, (training) => {
    const length = distillLength(config.distill, training);
    return typeof length === 'number' ? { least: length, most: length } : null;
  });
}

export function planNotes(input: BlocksInput): readonly string[] {
  const fit = plannedFit(input);
  const warning = capWarning(fit);
  const precision = input.loaded.config.distill.enabled ? [input.precision.note] : [];
  return [
    describeFittedOn(fit),
    ...streamNotes(input),
    ...precision,
    ...(warning === undefined ? [] : [`warning: ${warning}`]),
  ];
}

/** What the refit keeps on disk while it runs, and what does not fit there. */
function streamNotes({ loaded: { config }, architecture }: BlocksInput): string[] {
  const images = streamedImages(config);
  if (images === 0) return [];
  const steps = descents(config, hiddenUnits(architecture));
  const jobs = shardsOf(config, architecture).descendants;
  const widths = Math.ceil(steps.length / jobs);
  const perImage = (1 + widths) * streamBytes(architecture);
  const most = config.inputs.diskGB * 1e9;
  const all = images * perImage;
  const ofJob = jobs === 1 ? 'the refit' : `each of the ${jobs} jobs of the refit`;
  const fitting = Math.floor(most / perImage);
  return [
    `${ofJob} keeps up to ${formatBytes(Math.min(all, fitting * perImage))} of residual streams on disk`,
    ...(all <= most
      ? []
      : [
          `warning: of ${images.toLocaleString('en')} images, the streams of ${fitting.toLocaleString('en')} fit inputs.diskGB ` +
            `(${config.inputs.diskGB}); the others are run through the model anew for every block (all: --set inputs.diskGB=${Math.ceil(all / 1e9)})`,
        ]),
  ];
}

/**
 * A pass over images is as many jobs as it has shards; those of measure and compositions change no bit where a shard is a
 * multiple of `measure.batchSize`. Refit and distillation are as many jobs as the widths are divided among.
 */
export function freedStages(config: BlocksConfig): Readonly<Record<string, string>> {
  const { shards, sparsities } = config.descendants;
  const widths = sparsities.length > (shards ?? 1) && {
    refit: 'a higher descendants.shards',
    distill: 'a higher descendants.shards',
  };
  return {
    ...widths,
    statistics: 'a higher statistics.shards',
    measure: 'a higher measure.shards',
    compositions: 'a higher measure.shards',
  };
}
