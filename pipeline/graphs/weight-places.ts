import { blockWidth, type Architecture } from '../model/architecture.ts';
import { ffnNames, ffnParts } from '../model/ffn-weights.ts';
import { fail } from '../util/failure.ts';
import { readSafetensorsHeader } from '../model/safetensors.ts';
import type { Value } from './builder.ts';

/** Where a graph finds a weight: in a safetensors file beside it, or in what it is given at every run. */
export type WeightPlace = StoredWeight | InputWeight;

export interface StoredWeight {
  readonly kind: 'stored';
  readonly shape: readonly number[];
  /** POSIX path of the safetensors file, from the folder of the graph. */
  readonly location: string;
  /** Where its bytes begin in the file. */
  readonly offset: number;
  readonly length: number;
}

export interface InputWeight {
  readonly kind: 'input';
  /** A name stands for an extent that is known at run time only. */
  readonly shape: readonly (number | string)[];
}

/** Keys are timm's names (`blocks.3.mlp.fc1.weight`). */
export type WeightPlaces = ReadonlyMap<string, WeightPlace>;

/**
 * Every tensor of a safetensors file as a place, in the order of the data.
 * @param location how the graph is to name the file
 * @throws BlockForgeError `file-missing`, `file-invalid`; also for anything but float32, which no graph here converts
 */
export async function storedWeights(path: string, location: string): Promise<Map<string, StoredWeight>> {
  const { tensors, dataStart } = await readSafetensorsHeader(path);
  const places = new Map<string, StoredWeight>();
  for (const [name, { dtype, shape, begin, end }] of tensors) {
    if (dtype !== 'F32') {
      fail({ reason: 'file-invalid', subject: `${path}, tensor ${name}`, found: dtype, expected: 'F32' });
    }
    places.set(name, { kind: 'stored', shape, location, offset: dataStart + begin, length: end - begin });
  }
  return places;
}

/**
 * What a builder answers when it is asked for a weight: its name, which is declared the first time, as an input of the
 * graph or where it lies.
 */
export function declaredWeights(
  places: WeightPlaces,
  input: (name: string, shape: InputWeight['shape']) => void,
  stored: (name: string, place: StoredWeight) => void,
): (name: string) => Value {
  const declared = new Set<string>();
  return (name) => {
    if (declared.has(name)) return name;
    const place = places.get(name);
    if (place === undefined) throw new Error(`no place for the weight ${name}`);
    declared.add(name);
    if (place.kind === 'input') input(name, place.shape);
    else stored(name, place);
    return name;
  };
}

/** The FFN weights of block `index` as graph inputs: any number of hidden units, `hidden_3`. */
export function ffnInputs(architecture: Architecture, index: number): Map<string, InputWeight> {
  const hidden = `hidden_${index}`;
  const width = blockWidth(architecture, index);
  const names = ffnNames(index);
  const parts = ffnParts(architecture.gated === true);
  return new Map(
    parts.map((part) => {
      const vector = part === 'fc2Bias' ? [width] : [hidden];
      const shape =
        part === 'fc2Kernel' ? [width, hidden] : part.endsWith('Kernel') ? [hidden, width] : vector;
      return [names[part], { kind: 'input', shape }];
    }),
  );
}
