import type { Picture } from './picture.ts';

/*
 * Operations that give every value of a channel another one, whatever is beside it: those of Pillow's `ImageOps`, and timm's
 * `solarize_add`. Values are 0 to 255.
 */

/** Stretches each channel over the whole range. */
export function autoContrast(picture: Picture): Picture {
  return mapTones(picture, (counts) => {
    const low = counts.findIndex((n) => n > 0);
    const high = counts.findLastIndex((n) => n > 0);
    const scale = 255 / (high - low);
    return high <= low ? same : (value) => Math.trunc(value * scale - low * scale);
  });
}

/** Spreads each channel's values so that all are about as common. */
export function equalize(picture: Picture): Picture {
  return mapTones(picture, (counts) => {
    const last = counts[counts.findLastIndex((n) => n > 0)]!;
    const all = picture.height * picture.width;
    const step = Math.floor((all - last) / 255);
    if (step === 0) return same;
    let below = Math.floor(step / 2);
    const table = Array.from(counts, (count) => {
      const value = Math.floor(below / step);
      below += count;
      return value;
    });
    return (value) => table[value]!;
  });
}

export function invert(picture: Picture): Picture {
  return mapTones(picture, () => (value) => 255 - value);
}

/** Keeps so many of the upper bits. */
export function posterize(picture: Picture, bits: number): Picture {
  const mask = 255 & ~(2 ** (8 - bits) - 1);
  return mapTones(picture, () => (value) => value & mask);
}

/** Inverts values from a threshold on. */
export function solarize(picture: Picture, threshold: number): Picture {
  return mapTones(picture, () => (value) => (value < threshold ? value : 255 - value));
}

/** Adds to values below 128. */
export function solarizeAdd(picture: Picture, added: number): Picture {
  return mapTones(picture, () => (value) => (value < 128 ? value + added : value));
}

const same = (value: number): number => value;

/** `tone`: what becomes of a value, given how often each occurs in the channel. Results are clipped. */
function mapTones(picture: Picture, tone: (counts: Uint32Array) => (value: number) => number): Picture {
  const { channels, pixels: from } = picture;
  const pixels = new Uint8Array(from.length);
  for (let channel = 0; channel < channels; channel++) {
    const counts = new Uint32Array(256);
    for (let i = channel; i < from.length; i += channels) counts[from[i]!]!++;
    const table = Uint8ClampedArray.from(
      counts,
      (
        (of) => (_: number, value: number) =>
          of(value)
      )(tone(counts)),
    );
    for (let i = channel; i < from.length; i += channels) pixels[i] = table[from[i]!]!;
  }
  return { ...picture, pixels };
}
