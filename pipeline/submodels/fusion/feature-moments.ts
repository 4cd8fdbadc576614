import { setImmediate as nextTurn } from 'node:timers/promises';
import { block, copyOf, matrix, mirrorLower, transposed, type Matrix } from '../../tensor/float64/matrix.ts';
import { addProduct } from '../../tensor/float64/product.ts';
import type { FusionData } from './fusion-task.ts';
import { standardisedRows, type Standardisation } from './standardised.ts';

export interface FeatureMoments {
  /** [F, F] of standardised features: ones on the diagonal, zeros for those that never change. */
  readonly covariance: Matrix;
  /** [F, M] with centred targets. */
  readonly cross: Matrix;
  /** [M] */
  readonly targetMean: Float64Array;
}

const batch = 1024;

/**
 * Second moments over all images, in float64.
 * @param targets [N, M]
 * @throws `signal.reason` on abort
 */
export async function featureMoments(
  { features, images }: Pick<FusionData, 'features' | 'images'>,
  standardisation: Standardisation,
  widths: readonly number[],
  targets: Matrix,
  signal: AbortSignal,
): Promise<FeatureMoments> {
  const width = standardisation.mean.length;
  const count = targets.columns;
  const targetMean = new Float64Array(count);
  for (let i = 0; i < targets.data.length; i++) targetMean[i % count]! += targets.data[i]! / images;
  const covariance = matrix(width, width);
  const cross = matrix(width, count);
  for (let from = 0; from < images; from += batch) {
    await nextTurn();
    signal.throwIfAborted();
    const to = Math.min(images, from + batch);
    const rows = standardisedRows(standardisation, features, widths, [from, to]);
    const centred = matrix(to - from, count, targets.data.slice(from * count, to * count));
    for (let i = 0; i < centred.data.length; i++) centred.data[i]! -= targetMean[i % count]!;
    addProduct(covariance, 1 / images, transposed(rows), rows, { lowerOnly: true });
    addProduct(cross, 1 / images, transposed(rows), centred);
  }
  mirrorLower(covariance);
  return { covariance, cross, targetMean };
}

/** With some of the targets alone: `count` columns from `from`. */
export function momentsWith(
  { covariance, cross, targetMean }: FeatureMoments,
  from: number,
  count: number,
): FeatureMoments {
  return {
    covariance,
    cross: copyOf(block(cross, 0, from, cross.rows, count)),
    targetMean: targetMean.slice(from, from + count),
  };
}
