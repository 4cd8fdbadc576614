import type { Preprocessing } from '../../datasets/contract.ts';

/**
 * uint8 [height, width, C] -> float32 [C, height, width], normalised as `datasets/normalise.ts` does. The tables are made
 * once and pixels are read once: on a device this runs for every image.
 */
export function planesOf({
  mean,
  std,
  channels,
}: Pick<Preprocessing, 'mean' | 'std' | 'channels'>): (pixels: Uint8Array) => Float32Array {
  const tables = Array.from({ length: channels }, (_, c) =>
    Float32Array.from({ length: 256 }, (__, value) => (value / 255 - mean[c]!) / std[c]!),
  );
  return (pixels) => {
    const result = new Float32Array(pixels.length);
    let at = 0;
    for (let c = 0; c < channels; c++) {
      const table = tables[c]!;
      for (let i = c; i < pixels.length; i += channels) result[at++] = table[pixels[i]!]!;
    }
    return result;
  };
}
