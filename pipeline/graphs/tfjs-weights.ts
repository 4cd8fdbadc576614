import type { StoredWeight, WeightPlaces } from './weight-places.ts';

/** One entry of a weights manifest: a file, and what lies in it from its first byte to its last. */
export interface TfjsWeightGroup {
  readonly paths: readonly string[];
  readonly weights: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly dtype: 'float32' | 'int32' | 'bool';
  }[];
}

/** A number or a list that the graph needs: shapes, axes, factors. */
export interface TfjsConstant {
  readonly name: string;
  readonly dtype: 'float32' | 'int32';
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/**
 * TensorFlow.js reads weights one after the other and knows no offsets. So a safetensors file is declared as it lies on the
 * disk: its header as one tensor of that many bytes (`bool` takes one byte an element, and nothing uses it), then its
 * tensors in the order of the data, whether the graph uses them or not.
 */
export function weightGroups(
  weights: WeightPlaces,
  constants: readonly TfjsConstant[],
  constantsPath: string,
): { groups: TfjsWeightGroup[]; constants: Uint8Array } {
  const files = new Map<string, [string, StoredWeight][]>();
  for (const [name, place] of weights) {
    if (place.kind !== 'stored') continue;
    const entries = files.get(place.location) ?? [];
    files.set(place.location, [...entries, [name, place]]);
  }
  const groups = [...files].map(([location, entries]) => fileGroup(location, entries));
  const bytes = new Uint8Array(constants.reduce((sum, { values }) => sum + 4 * values.length, 0));
  const view = new DataView(bytes.buffer);
  let position = 0;
  for (const { dtype, values } of constants) {
    for (const value of values) {
      if (dtype === 'int32') view.setInt32(position, value, true);
      else view.setFloat32(position, value, true);
      position += 4;
    }
  }
  const specs = constants.map(({ name, shape, dtype }) => ({ name, shape, dtype }));
  // Last, because TensorFlow.js (4.22) reads wrong bytes where all files but the last have one size and that one is larger.
  return { groups: [...groups, { paths: [constantsPath], weights: specs }], constants: bytes };
}

function fileGroup(location: string, entries: [string, StoredWeight][]): TfjsWeightGroup {
  entries.sort(([, a], [, b]) => a.offset - b.offset);
  const header = entries[0]![1].offset;
  let position = header;
  for (const [name, { offset, length }] of entries) {
    if (offset !== position)
      throw new Error(`${location}: bytes ${position}..${offset}, before ${name}, have no name`);
    position += length;
  }
  return {
    paths: [location],
    weights: [
      { name: `${location}/header`, shape: [header], dtype: 'bool' },
      ...entries.map(([name, { shape }]) => ({ name, shape, dtype: 'float32' as const })),
    ],
  };
}
