import { z } from 'zod';
import type { Manifest } from '../library/manifest.ts';
import { calibrationOf, type Calibration } from '../recipe/calibration.ts';
import { recipeFields, statisticsFields } from '../recipe/schema.ts';
import type { FitOptions } from '../recipe/fit-widths.ts';

/** How the run that made a library looked at its calibration images. */
export interface RefitSettings {
  readonly calibration: Calibration;
  readonly tokenWeights: 'gradient' | 'uniform';
  /** Of the compressed model's own inputs among those fitted to. */
  readonly composedShare: number;
  /** Most images; null is all. */
  readonly images: number | null;
  readonly ridge: FitOptions['ridge'];
}

/** What a later version calls otherwise is left at its default. */
const recorded = z.object({
  seed: z.int().min(0),
  statistics: z
    .object(statisticsFields)
    .prefault({})
    .catch({ ...z.object(statisticsFields).parse({}) }),
  order: recipeFields.order.catch(recipeFields.order.parse({})),
  inputs: recipeFields.inputs.catch(recipeFields.inputs.parse({})),
});

/** By the library's own record of its config. */
export function refitSettings({ config, seed }: Pick<Manifest, 'config' | 'seed'>): RefitSettings {
  const { statistics, order, inputs } = recorded.parse({ ...config, seed });
  return {
    calibration: calibrationOf({ seed, statistics }),
    tokenWeights: statistics.tokenWeights,
    composedShare: inputs.composedShare,
    images: inputs.images,
    ridge: order.ridge,
  };
}
