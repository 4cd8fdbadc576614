import { matrix, type Matrix } from '../../tensor/float64/matrix.ts';
import { placesOf } from './places.ts';

export interface Standardisation {
  /** [F] */
  readonly mean: Float32Array;
  /** [F] 1 / standard deviation, 0 for a feature that never changes. */
  readonly scale: Float32Array;
}

/** @param features [N, d_j] of every sub-model */
export function standardisationOf(
  features: readonly Float32Array[],
  widths: readonly number[],
  images: number,
): Standardisation {
  const width = widths.reduce((sum, own) => sum + own, 0);
  const mean = new Float32Array(width);
  const scale = new Float32Array(width);
  for (const [submodel, [start, end]] of placesOf(widths).entries()) {
    const rows = features[submodel]!;
    const own = end - start;
    for (let c = 0; c < own; c++) {
      let sum = 0;
      for (let image = 0; image < images; image++) sum += rows[image * own + c]!;
      const average = sum / images;
      let squares = 0;
      for (let image = 0; image < images; image++) squares += (rows[image * own + c]! - average) ** 2;
      const deviation = Math.sqrt(squares / images);
      mean[start + c] = average;
      // Below rounding of its mean a feature carries nothing but that rounding.
      scale[start + c] = deviation > 1e-6 * Math.abs(average) ? 1 / deviation : 0;
    }
  }
  return { mean, scale };
}

/**
 * Images [from, to) standardised, [to - from, F] in float64; zeros, which is the mean, where a sub-model is absent.
 */
export function standardisedRows(
  { mean, scale }: Standardisation,
  features: readonly (Float32Array | undefined)[],
  widths: readonly number[],
  [from, to]: readonly [from: number, to: number],
): Matrix {
  const width = mean.length;
  const result = matrix(to - from, width);
  for (const [submodel, [start, end]] of placesOf(widths).entries()) {
    const rows = features[submodel];
    if (rows === undefined) continue;
    const own = end - start;
    for (let image = from; image < to; image++) {
      const target = (image - from) * width + start;
      for (let c = 0; c < own; c++) {
        result.data[target + c] = (rows[image * own + c]! - mean[start + c]!) * scale[start + c]!;
      }
    }
  }
  return result;
}
