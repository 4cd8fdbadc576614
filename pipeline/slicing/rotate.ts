import type { HostTensor, HostWeights } from '../model/host-weights.ts';
import { matrix, transposed, type Matrix } from '../tensor/float64/matrix.ts';
import { addProduct } from '../tensor/float64/product.ts';
import { random } from '../util/random.ts';
import type { SlicedModel } from './sliced-model.ts';
import { isToken, streamAxis, streamReaders } from './stream-axis.ts';

/**
 * A model with its residual stream in another basis: what writes to it is multiplied by the basis, what reads it by the
 * transpose. RMS norms do not mind, once their weights are in the layers that read. A whole basis gives the same function,
 * exactly but for rounding; part of one keeps the stream's components along its vectors alone, as `cutModel` would
 * afterwards. Products in float64.
 * @param basis [D', D] row-major, D' <= D: row i is the unit vector of the old stream that channel i becomes
 * @throws RangeError where its rows are not orthogonal and of length 1 within 1e-6: a bug
 */
export function rotateStream({ architecture, weights }: SlicedModel, basis: Float64Array): SlicedModel {
  const { width, normWidth = width } = architecture;
  const kept = basis.length / width;
  if (!Number.isInteger(kept) || kept < 1 || kept > width) {
    throw new RangeError(`${basis.length} numbers are no basis of a stream of ${width} channels`);
  }
  const turn = matrix(kept, width, basis);
  requireOrthonormal(turn);
  const rotated: HostWeights = { ...weights };
  for (const [name, tensor] of Object.entries(weights)) {
    const axis = streamAxis(name);
    if (axis === 'first') rotated[name] = written(turn, tensor);
    else if (isToken(name)) rotated[name] = read(turn, tensor);
  }
  for (const { norm, layer } of streamReaders(architecture)) {
    const gain = weights[`${norm}.weight`]!.data;
    rotated[`${layer}.weight`] = read(turn, weights[`${layer}.weight`]!, gain);
    rotated[`${norm}.weight`] = { shape: [kept], data: new Float32Array(kept).fill(1) };
  }
  return { architecture: { ...architecture, width: kept, normWidth }, weights: rotated };
}

/** [D, ...] -> [D', ...] */
function written(turn: Matrix, { shape, data }: HostTensor): HostTensor {
  const inputs = data.length / turn.columns;
  const result = matrix(turn.rows, inputs);
  addProduct(result, 1, turn, matrix(turn.columns, inputs, Float64Array.from(data)));
  return { shape: [turn.rows, ...shape.slice(1)], data: Float32Array.from(result.data) };
}

/** [..., D], times `gain` along the stream -> [..., D'] */
function read(turn: Matrix, { shape, data }: HostTensor, gain?: Float32Array): HostTensor {
  const { rows: kept, columns: width } = turn;
  const outputs = data.length / width;
  const source = Float64Array.from(data);
  if (gain !== undefined) for (let i = 0; i < source.length; i++) source[i]! *= gain[i % width]!;
  const result = matrix(outputs, kept);
  addProduct(result, 1, matrix(outputs, width, source), transposed(turn));
  return { shape: [...shape.slice(0, -1), kept], data: Float32Array.from(result.data) };
}

/** By what comes back of two random vectors, which takes no product of the basis with itself. */
function requireOrthonormal(turn: Matrix): void {
  const draw = random(1, 'basis');
  for (let trial = 0; trial < 2; trial++) {
    const probe = matrix(turn.rows, 1);
    for (let i = 0; i < turn.rows; i++) probe.data[i] = draw.normal();
    const [there, back] = [matrix(turn.columns, 1), matrix(turn.rows, 1)];
    addProduct(there, 1, transposed(turn), probe);
    addProduct(back, 1, turn, there);
    const length = Math.hypot(...probe.data);
    const error = Math.hypot(...probe.data.map((value, i) => back.data[i]! - value)) / length;
    if (!(error <= 1e-6)) {
      throw new RangeError(
        `the rows of the basis are not orthonormal: a vector comes back changed by ${error}`,
      );
    }
  }
}
