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
  return {
    images: reference.length,
    // Against a model that is never right.
    top1Percent: against(new Uint8Array(reference.length)),
    againstPp: against(reference),
  };
}
