import type { Preprocessing } from './contract.ts';

/** uint8 -> (x / 255 - mean) / std per channel, through a table: the 256 results of a channel are computed once. */
export function normalise(
  pixels: Uint8Array,
  { mean, std, channels }: Pick<Preprocessing, 'mean' | 'std' | 'channels'>,
): Float32Array {
  const tables = Array.from({ length: channels }, (_, c) =>
    Float32Array.from({ length: 256 }, (_, value) => (value / 255 - mean[c]!) / std[c]!),
  );
  const out = new Float32Array(pixels.length);
  for (let c = 0; c < channels; c++) {
    const table = tables[c]!;
    for (let i = c; i < pixels.length; i += channels) out[i] = table[pixels[i]!]!;
  }
  return out;
}
