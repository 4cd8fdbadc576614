import type { Image } from '../contract.ts';

/** Colours after the header start here for each; an alpha byte, where there is one, is dropped. */
const bitFields = 3;

export function isBmp(content: Uint8Array): boolean {
  return content[0] === 0x42 && content[1] === 0x4d && content.length > 26;
}

/**
 * Width, height, and the pixels of an uncompressed Windows bitmap of 1, 4, 8, 24 or 32 bits, without its alpha.
 * @param check is told the size before anything is allocated
 * @throws Error for other kinds and truncated files
 */
export function decodeBmp(content: Uint8Array, check: (width: number, height: number) => void): Image {
  const view = new DataView(content.buffer, content.byteOffset, content.byteLength);
  const headerBytes = view.getUint32(14, true);
  if (headerBytes < 40 || content.length < 54) throw new Error('a BMP of an old kind (OS/2)');
  const width = view.getInt32(18, true);
  const signedHeight = view.getInt32(22, true);
  const height = Math.abs(signedHeight);
  const bits = view.getUint16(28, true);
  const compression = view.getUint32(30, true);
  check(width, height);
  const plain = compression === 0 && [1, 4, 8, 24, 32].includes(bits);
  if (!plain && !(compression === bitFields && bits === 32 && hasUsualMasks(view, headerBytes))) {
    throw new Error(`a BMP of ${bits} bits with compression ${compression}`);
  }
  const start = view.getUint32(10, true);
  const stride = Math.ceil((width * bits) / 32) * 4;
  if (width <= 0 || start + stride * height > content.length) throw new Error('a truncated BMP');
  const palette = bits > 8 ? undefined : readPalette(view, 14 + headerBytes, start, bits);
  const pixels = new Uint8Array(width * height * 3);
  for (let y = 0; y < height; y++) {
    const row = start + stride * (signedHeight > 0 ? height - 1 - y : y);
    for (let x = 0; x < width; x++) {
      const to = (y * width + x) * 3;
      if (palette === undefined) {
        const from = row + x * (bits / 8);
        for (let c = 0; c < 3; c++) pixels[to + c] = content[from + 2 - c]!;
      } else {
        const byte = content[row + ((x * bits) >> 3)]!;
        const index = (byte >> (8 - bits - ((x * bits) & 7))) & ((1 << bits) - 1);
        const colour = palette[index];
        if (colour === undefined) throw new Error(`a BMP whose palette has no colour ${index}`);
        pixels.set(colour, to);
      }
    }
  }
  return { width, height, channels: 3, pixels };
}

function hasUsualMasks(view: DataView, headerBytes: number): boolean {
  if (headerBytes < 52 && view.getUint32(10, true) < 66) return false;
  return (
    view.getUint32(54, true) === 0xff0000 &&
    view.getUint32(58, true) === 0xff00 &&
    view.getUint32(62, true) === 0xff
  );
}

function readPalette(view: DataView, from: number, to: number, bits: number): number[][] {
  const named = view.getUint32(46, true);
  const count = Math.min(named === 0 ? 1 << bits : named, 1 << bits, Math.floor((to - from) / 4));
  return Array.from({ length: Math.max(0, count) }, (_, index) => {
    const at = from + index * 4;
    return [view.getUint8(at + 2), view.getUint8(at + 1), view.getUint8(at)];
  });
}
