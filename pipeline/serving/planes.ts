import type { Preprocessing } from '../../datasets/contract.ts';

/**
 * uint8 [height, width, C] -> float32 [C, height, width], normalised as `datasets/normalise.ts` does. The tables are made
 * once, pixels are read once and in their order, and the result is put into memory that is there: on a device this runs for every image.
 */
export function planesOf({
  mean,
  std,
  channels,
}: Pick<Preprocessing, 'mean' | 'std' | 'channels'>): (
  pixels: Uint8Array,
  into: Float32Array,
) => Float32Array {
  const tables = Array.from({ length: channels }, (_, c) =>
    Float32Array.from({ length: 256 }, (__, value) => (value / 255 - mean[c]!) / std[c]!),
  );
  const [red, green, blue] = tables;
  return (pixels, into) => {
    const plane = into.length / channels;
    if (red === undefined || green === undefined || blue === undefined) {
      const table = tables[0]!;
      for (let i = 0; i < plane; i++) into[i] = table[pixels[i]!]!;
      return into;
    }
    for (let i = 0, at = 0; i < plane; i++) {
      into[i] = red[pixels[at++]!]!;
      into[plane + i] = green[pixels[at++]!]!;
      into[2 * plane + i] = blue[pixels[at++]!]!;
    }
    return into;
  };
}
