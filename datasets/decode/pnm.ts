import type { Image } from '../contract.ts';

export function isPnm(content: Uint8Array): boolean {
  const [first, kind] = content;
  return first === 0x50 && kind !== undefined && kind >= 0x31 && kind <= 0x36 && isSpace(content[2] ?? 0);
}

/**
 * PBM, PGM and PPM, as text or binary. Values up to another maximum than 255 are scaled and rounded as Pillow does.
 * @param check is told the size before anything is allocated
 * @throws Error for truncated files and for grey of more than 8 bits, which Pillow clips instead of scaling
 */
export function decodePnm(content: Uint8Array, check: (width: number, height: number) => void): Image {
  const kind = content[1]! - 0x30;
  const bitmap = kind === 1 || kind === 4;
  const channels = kind === 3 || kind === 6 ? 3 : 1;
  const reader = createReader(content, 2);
  const width = reader.integer();
  const height = reader.integer();
  const most = bitmap ? 1 : reader.integer();
  check(width, height);
  if (most < 1 || most > 65535) throw new Error(`a PNM with a maximum of ${most}`);
  if (channels === 1 && most > 255) throw new Error('16-bit grey, which Pillow turns white');
  const count = width * height * channels;
  const pixels = new Uint8Array(count);
  if (kind <= 3) {
    for (let i = 0; i < count; i++) pixels[i] = bitmap ? reader.bit() : scale(reader.integer(), most);
    return { width, height, channels, pixels };
  }
  const data = content.subarray(reader.position() + 1);
  const wide = most > 255;
  const stride = bitmap ? Math.ceil(width / 8) : width * channels * (wide ? 2 : 1);
  if (data.length < stride * height) throw new Error('a truncated PNM');
  for (let i = 0; i < count; i++) {
    if (bitmap) {
      const x = i % width;
      const byte = data[((i - x) / width) * stride + (x >> 3)]!;
      pixels[i] = (byte >> (7 - (x & 7))) & 1 ? 0 : 255;
    } else pixels[i] = scale(wide ? data[2 * i]! * 256 + data[2 * i + 1]! : data[i]!, most);
  }
  return { width, height, channels, pixels };
}

function scale(value: number, most: number): number {
  if (most === 255) return value;
  const exact = (value / most) * 255;
  const rounded = Math.round(exact);
  // Halves to even, as in Python.
  return Math.min(255, rounded - exact === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded);
}

/** Numbers between white space and comments. */
function createReader(content: Uint8Array, start: number) {
  let at = start;
  const skip = (): void => {
    for (; at < content.length; at++) {
      if (content[at] === 0x23) while (at < content.length && content[at] !== 0x0a) at++;
      else if (!isSpace(content[at]!)) return;
    }
  };
  return {
    position: () => at,
    integer(): number {
      skip();
      let value = 0;
      let digits = 0;
      for (; at < content.length && content[at]! >= 0x30 && content[at]! <= 0x39; at++, digits++) {
        value = value * 10 + content[at]! - 0x30;
      }
      if (digits === 0 || digits > 9) throw new Error('a damaged or truncated PNM');
      return value;
    },
    /** PBM as text: digits need no space between them; 1 is black. */
    bit(): number {
      skip();
      const mark = content[at++];
      if (mark !== 0x30 && mark !== 0x31) throw new Error('a damaged or truncated PNM');
      return mark === 0x31 ? 0 : 255;
    },
  };
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || (byte >= 0x09 && byte <= 0x0d);
}
