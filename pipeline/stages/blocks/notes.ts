import { splitImages } from '../../../datasets/split-sources.ts';
import { sampledTokens } from '../../recipe/calibration.ts';
import { distillLength } from '../../recipe/distill-length.ts';
import { capWarning, describeFittedOn, fittedOn, type FittedOn } from '../../recipe/fitted-on.ts';
import { recipeOf } from '../../recipe/recipe.ts';
import type { BlocksInput } from './schema.ts';

/** What will be used of the calibration images. */
export function plannedFit({ loaded: { config }, architecture }: BlocksInput): FittedOn {
  const { calibration } = splitImages(config.data.splits);
  const { statistics, distill } = config;
  return fittedOn(recipeOf(config), statistics.heldOut, calibration, (training) => {
    const tokens = training * sampledTokens(statistics, architecture);
    const length = distillLength(distill, architecture.depth, tokens);
    return typeof length === 'number' ? { least: length, most: length } : null;
  });
}

export function planNotes(input: BlocksInput): readonly string[] {
  const fit = plannedFit(input);
  const warning = capWarning(fit);
  const precision = input.loaded.config.distill.enabled ? [input.precision.note] : [];
  return [describeFittedOn(fit), ...precision, ...(warning === undefined ? [] : [`warning: ${warning}`])];
}
