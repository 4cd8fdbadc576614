import { contextNames } from '../measure/contexts.ts';
import type { Manifest, ManifestDescendant } from './manifest.ts';
import { rankedDelta } from './ranked-delta.ts';

/**
 * What a descendant adds to the sum that the library's predictor takes, in nats; NaN where the library does not say.
 * Older libraries weigh all contexts alike.
 */
export function predictorCost(
  { predictor }: Pick<Manifest, 'predictor'>,
  item: Pick<ManifestDescendant, 'deltas'>,
): number {
  const weights = predictor?.weights;
  if (weights === undefined) return rankedDelta(item).klIncrease ?? NaN;
  return contextNames.reduce((sum, name) => {
    const weight = weights[name] ?? 0;
    return weight === 0 ? sum : sum + weight * (item.deltas[name]?.klIncrease ?? NaN);
  }, 0);
}
