import { bounds } from '../../measure/interval.ts';
import { pairedMeanPp } from '../../measure/paired-mean.ts';
import type { Compared } from './compare.ts';

/** The mean over several models on the same images, e.g. a fleet with each of its devices lost, against one reference. */
export function compareMean(
  models: readonly Uint8Array[],
  reference: Uint8Array,
  confidence: number,
): Compared {
  const against = (other: Uint8Array) =>
    bounds(
      pairedMeanPp(
        models.map((model) => ({ model, reference: other })),
        confidence,
      ),
    );
  // Against a model that is never right: a difference could be negative, a share is not.
  const right = against(new Uint8Array(reference.length));
  return {
    images: reference.length,
    top1Percent: { ...right, low: Math.max(0, right.low) },
    againstPp: against(reference),
  };
}
