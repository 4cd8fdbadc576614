import { ffnParts, type FfnPart, type FfnWeights } from './ffn-weights.ts';
import { withSafetensors, writeSafetensors, type NamedArrays } from './safetensors.ts';

/** Several FFN blocks in one file: `name/fc1Kernel` [D, H] and so on, in the in-memory [in, out] layout. */
export async function writeFfns(
  path: string,
  named: readonly (readonly [name: string, weights: FfnWeights])[],
): Promise<void> {
  const arrays: NamedArrays = {};
  for (const [name, weights] of named) {
    const { width: d, hidden: h } = weights;
    const shapes = { fc1Kernel: [d, h], fc1Bias: [h], fc2Kernel: [h, d], fc2Bias: [d] };
    for (const part of ffnParts) arrays[`${name}/${part}`] = { shape: shapes[part], data: weights[part] };
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
      const read = (part: FfnPart) => file.read(`${name}/${part}`);
      result.push({
        width,
        hidden,
        fc1Kernel: await read('fc1Kernel'),
        fc1Bias: await read('fc1Bias'),
        fc2Kernel: await read('fc2Kernel'),
        fc2Bias: await read('fc2Bias'),
      });
    }
    return result;
  });
}
