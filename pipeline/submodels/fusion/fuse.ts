import { activate } from './activate.ts';
import { fusionWidth, type FusionHead, type FusionLayer } from './fusion-head.ts';
import { imputationOf, imputeOne } from './imputation.ts';
import { placesOf } from './places.ts';

/**
 * Logits [K] from one image's features. Those of absent sub-models are imputed from those that are there (`imputationOf`).
 * Plain arithmetic: the coordinator needs no engine.
 * @param features of every sub-model [d_j]; undefined where it did not answer
 * @throws RangeError where features are of another number or width, or none is there
 */
export function fuse(head: FusionHead, features: readonly (Float32Array | undefined)[]): Float32Array {
  const absent = absentOf(head, features, 1);
  const row = new Float64Array(fusionWidth(head));
  for (const [submodel, [start, end]] of placesOf(head.widths).entries()) {
    const own = features[submodel];
    if (own === undefined) continue;
    for (let at = start; at < end; at++) row[at] = (own[at - start]! - head.mean[at]!) * head.scale[at]!;
  }
  if (absent.length > 0) imputeOne(head.precision, imputationOf(head, absent), row);
  let outputs: Float64Array = row;
  for (const [index, layer] of head.layers.entries()) {
    outputs = linear(layer, outputs);
    if (index < head.layers.length - 1) activate(outputs, head.activation);
  }
  return Float32Array.from(outputs);
}

/** Four rows of the kernel at once: most of the time goes into reading and writing `y`. */
function linear({ inputs, outputs, kernel, bias }: FusionLayer, x: Float64Array): Float64Array {
  const y = Float64Array.from(bias);
  const whole = inputs - (inputs % 4);
  for (let i = 0; i < whole; i += 4) {
    const [a, b, c, d] = [x[i]!, x[i + 1]!, x[i + 2]!, x[i + 3]!];
    let at = i * outputs;
    for (let j = 0; j < outputs; j++, at++) {
      const first = a * kernel[at]! + b * kernel[at + outputs]!;
      y[j]! += first + c * kernel[at + 2 * outputs]! + d * kernel[at + 3 * outputs]!;
    }
  }
  for (let i = whole; i < inputs; i++) {
    for (let j = 0; j < outputs; j++) y[j]! += x[i]! * kernel[i * outputs + j]!;
  }
  return y;
}

/**
 * Which sub-models are absent, ascending.
 * @throws RangeError where features are of another number or width, or none is there
 */
export function absentOf(
  { widths }: Pick<FusionHead, 'widths'>,
  features: readonly (Float32Array | undefined)[],
  images: number,
): readonly number[] {
  if (features.length !== widths.length) {
    throw new RangeError(`features of ${features.length} sub-models for a head over ${widths.length}`);
  }
  const absent: number[] = [];
  for (const [submodel, own] of features.entries()) {
    if (own === undefined) absent.push(submodel);
    else if (own.length !== images * widths[submodel]!) {
      throw new RangeError(
        `sub-model ${submodel}: ${own.length} features, ${images * widths[submodel]!} expected`,
      );
    }
  }
  if (absent.length === widths.length) throw new RangeError('no sub-model has answered: nothing to fuse');
  return absent;
}
