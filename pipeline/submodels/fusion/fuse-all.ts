import { matrix, type Matrix } from '../../tensor/float64/matrix.ts';
import { addProduct } from '../../tensor/float64/product.ts';
import { activate } from './activate.ts';
import { absentOf } from './fuse.ts';
import type { FusionHead, FusionLayer } from './fusion-head.ts';
import { impute, imputationOf } from './imputation.ts';
import { standardisedRows } from './standardised.ts';

/** Images at once: what they need stays within some megabytes. */
const batch = 512;

/**
 * `fuse` for N images with the same sub-models absent, as matrix products. -> logits [N, K]
 * @param features [N, d_j] of every sub-model
 * @throws RangeError as `fuse`
 */
export function fuseAll(
  head: FusionHead,
  features: readonly (Float32Array | undefined)[],
  images: number,
): Float32Array {
  const absent = absentOf(head, features, images);
  const imputation = absent.length === 0 ? undefined : imputationOf(head, absent);
  const kernels = head.layers.map(({ inputs, outputs, kernel }) =>
    matrix(inputs, outputs, Float64Array.from(kernel)),
  );
  const logits = new Float32Array(images * head.classes);
  for (let from = 0; from < images; from += batch) {
    const to = Math.min(images, from + batch);
    let rows = standardisedRows(head, features, head.widths, [from, to]);
    if (imputation !== undefined) impute(head.precision, imputation, rows);
    for (const [index, layer] of head.layers.entries()) {
      rows = linear(layer, kernels[index]!, rows);
      if (index < head.layers.length - 1) activate(rows.data, head.activation);
    }
    logits.set(rows.data, from * head.classes);
  }
  return logits;
}

function linear({ outputs, bias }: FusionLayer, kernel: Matrix, x: Matrix): Matrix {
  const y = matrix(x.rows, outputs);
  for (let row = 0; row < x.rows; row++) y.data.set(bias, row * outputs);
  addProduct(y, 1, x, kernel);
  return y;
}
