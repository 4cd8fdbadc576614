import {
  ffnParts,
  mapParts,
  partOf,
  partShape,
  partsOf,
  type FfnPart,
  type FfnWeights,
} from './ffn-weights.ts';
import { withSafetensors, writeSafetensors, type NamedArrays } from './safetensors.ts';
import { known } from '../util/known.ts';

/** Several FFN blocks in one file: `name/fc1Kernel` [D, H] and so on, in the in-memory [in, out] layout. */
export async function writeFfns(
  path: string,
  named: readonly (readonly [name: string, weights: FfnWeights])[],
): Promise<void> {
  const arrays: NamedArrays = {};
  for (const [name, weights] of named) {
    for (const part of partsOf(weights)) {
      arrays[`${name}/${part}`] = { shape: partShape(part, weights), data: partOf(weights, part) };
    }
  }
  await writeSafetensors(path, arrays, {});
}

/** The blocks of `writeFfns` that `choose` picks of all names, in its order. */
export async function readFfns(
  path: string,
  choose: (names: readonly string[]) => readonly string[],
): Promise<FfnWeights[]> {
  return withSafetensors(path, async (file) => {
    const names = [...new Set(file.names.map((full) => full.replace(/\/[^/]*$/, '')))];
    const result: FfnWeights[] = [];
    for (const name of choose(names)) {
      const [width, hidden] = file.info(`${name}/fc1Kernel`).shape as [number, number];
      const parts = ffnParts(file.names.includes(`${name}/gateKernel`));
      const values = new Map<FfnPart, Float32Array>();
      for (const part of parts) values.set(part, await file.read(`${name}/${part}`));
      result.push({ width, hidden, ...mapParts(parts, (part) => known(values, part)) });
    }
    return result;
  });
}
