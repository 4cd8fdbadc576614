import type { FusionHead } from './fusion-head.ts';

/**
 * Logits [K] from one image's features. An absent sub-model's features are imputed from those that are there (`impute`).
 * Plain arithmetic: the coordinator needs no engine.
 * @param features of every sub-model [d_j]; undefined where it did not answer
 * @throws RangeError where features are of another number or width, or none is there
 */
export function fuse(_head: FusionHead, _features: readonly (Float32Array | undefined)[]): Float32Array {
  throw new Error('not yet');
}

/**
 * The same for N images [N, d_j] with the same sub-models absent. -> [N, K]
 */
export function fuseAll(
  _head: FusionHead,
  _features: readonly (Float32Array | undefined)[],
  _images: number,
): Float32Array {
  throw new Error('not yet');
}
