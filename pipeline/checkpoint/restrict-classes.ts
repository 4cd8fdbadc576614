import type { Architecture } from '../model/architecture.ts';
import { canonicalShapes, type HostTensor, type HostWeights } from '../model/host-weights.ts';

/**
 * A teacher's weights with the rows of some classes alone: what computes the others is cut off.
 * @param places of the classes to keep among the teacher's, in the order they get
 * @returns the weights, and those tensors of the whole teacher that were cut
 */
export function restrictClasses(
  weights: HostWeights,
  whole: Architecture,
  places: readonly number[],
): { readonly weights: HostWeights; readonly head: HostWeights } {
  const shapes = canonicalShapes({ ...whole, classes: places.length });
  const head: HostWeights = {};
  const kept = Object.entries(weights).map(([name, tensor]): [string, HostTensor] => {
    const shape = shapes[name] ?? tensor.shape;
    if (shape.join() === tensor.shape.join()) return [name, tensor];
    head[name] = tensor;
    const row = tensor.data.length / whole.classes;
    const data = new Float32Array(row * places.length);
    places.forEach((place, index) =>
      data.set(tensor.data.subarray(place * row, (place + 1) * row), index * row),
    );
    return [name, { shape, data }];
  });
  return { weights: Object.fromEntries(kept), head };
}
