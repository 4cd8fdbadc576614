import type { SlicedModel } from './sliced-model.ts';

/** The same function with its stream in another basis. `basis` [D, D], row-major: row i is what channel i becomes. */
export function rotateStream(model: SlicedModel, basis: Float64Array): SlicedModel {
  throw new Error(`not yet: ${model.architecture.depth} layers, ${basis.length}`);
}
