import { layerShapes } from '../model/family/layer-shapes.ts';
import { ffnNames } from '../model/ffn-weights.ts';
import type { HostTensor } from '../model/host-weights.ts';
import type { KeyBasis, ValueBasis } from './head-bases.ts';
import { rotateStream } from './rotate.ts';
import type { SlicedModel } from './sliced-model.ts';
import { times, transpose } from './spectral.ts';

/** What the axes of one layer become. */
export interface LayerAxes {
  /** Per head. */
  readonly keys: readonly KeyBasis[];
  /** Per head. */
  readonly values: readonly ValueBasis[];
  /** The hidden units in their new order. */
  readonly units: ArrayLike<number>;
}

/** Every axis of a model in order of worth, so that whatever is kept is the beginning of each. */
export interface ModelAxes {
  /** Orthogonal [D, D]: row i is what channel i becomes. */
  readonly stream: Float64Array;
  readonly layers: readonly LayerAxes[];
}

/**
 * The same function with other axes: exactly equal, up to rounding, as every change is undone where its axis is read.
 * @throws RangeError where the axes are of another model
 */
export function changeAxes(model: SlicedModel, axes: ModelAxes): SlicedModel {
  const shapes = layerShapes(model.architecture);
  if (axes.layers.length !== shapes.length) {
    throw new RangeError(`axes of ${axes.layers.length} layers for ${shapes.length}`);
  }
  const rotated = rotateStream(model, axes.stream);
  const weights: Record<string, HostTensor> = { ...rotated.weights };
  for (const [layer, { keys, values, units }] of axes.layers.entries()) {
    const { heads, keySize, valueSize } = shapes[layer]!;
    const attn = `blocks.${layer}.attn`;
    const qkvBases = [
      ...keys.map(({ query }) => ({ basis: query, size: keySize })),
      ...keys.map(({ key }) => ({ basis: key, size: keySize })),
      ...values.map(({ down }) => ({ basis: down, size: valueSize })),
    ];
    if (keys.length !== heads || values.length !== heads) throw new RangeError(`bases of other heads`);
    for (const name of [`${attn}.qkv.weight`, `${attn}.qkv.bias`]) {
      weights[name] = rowBlocks(weights[name]!, qkvBases);
    }
    weights[`${attn}.proj.weight`] = columnBlocks(weights[`${attn}.proj.weight`]!, values, valueSize);
    const names = ffnNames(layer);
    weights[names.fc1Kernel] = permuteRows(weights[names.fc1Kernel]!, units);
    weights[names.fc1Bias] = permuteRows(weights[names.fc1Bias]!, units);
    weights[names.fc2Kernel] = permuteColumns(weights[names.fc2Kernel]!, units);
  }
  return { architecture: rotated.architecture, weights: weights };
}

/** [out, in] or [out]: the rows of one block after the other become `basis' rows`. */
function rowBlocks(
  { shape, data }: HostTensor,
  blocks: readonly { readonly basis: Float64Array; readonly size: number }[],
): HostTensor {
  const columns = shape[1] ?? 1;
  const result = new Float32Array(data.length);
  let start = 0;
  for (const { basis, size } of blocks) {
    const rows = Float64Array.from(data.subarray(start, start + size * columns));
    result.set(times(transpose(basis, size, size), rows, size, size, columns), start);
    start += size * columns;
  }
  return { shape, data: result };
}

/** The projection [D, h v], whose columns of every head become `columns up'`. */
function columnBlocks({ shape, data }: HostTensor, bases: readonly ValueBasis[], size: number): HostTensor {
  const [rows, columns] = shape as [number, number];
  const result = new Float32Array(data.length);
  for (const [head, { up }] of bases.entries()) {
    const part = new Float64Array(rows * size);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < size; j++) part[i * size + j] = data[i * columns + head * size + j]!;
    }
    const turned = times(part, up, rows, size, size, true);
    for (let i = 0; i < rows; i++) {
      result.set(turned.subarray(i * size, (i + 1) * size), i * columns + head * size);
    }
  }
  return { shape, data: result };
}

function permuteRows({ shape, data }: HostTensor, order: ArrayLike<number>): HostTensor {
  const columns = shape[1] ?? 1;
  const result = new Float32Array(data.length);
  for (let i = 0; i < order.length; i++) {
    result.set(data.subarray(order[i]! * columns, (order[i]! + 1) * columns), i * columns);
  }
  return { shape, data: result };
}

function permuteColumns({ shape, data }: HostTensor, order: ArrayLike<number>): HostTensor {
  const [rows, columns] = shape as [number, number];
  const result = new Float32Array(data.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) result[i * columns + j] = data[i * columns + order[j]!]!;
  }
  return { shape, data: result };
}
