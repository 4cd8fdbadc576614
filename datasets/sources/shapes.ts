import type { Config } from '../../pipeline/config/schema.ts';
import { random } from '../../pipeline/util/random.ts';
import type { Random } from '../../pipeline/util/random.ts';
import type { Image, Item, Source } from '../contract.ts';
import { sharp } from '../sharp.ts';
import { countTestShapes, drawShape, shapeClasses } from './shape-drawing.ts';

/** Images drawn on one page: starting librsvg once for many images is what makes them cheap. */
const pageSide = 8;
const pageImages = pageSide * pageSide;
/** Standard deviation of the noise, in grey levels, at `noise: 1`. */
const fullNoise = 80;

/**
 * A synthetic data set that needs no download: ten classes of textured figures (`shape-drawing.ts`), balanced, with
 * noise. The same seed, size and noise give the same image for the same id, whatever else is asked for and in any
 * order. Images are drawn a page at a time when first asked for and kept in memory.
 */
export function openShapes(settings: Config['data']['shapes'], seed: number): Source {
  const { images: count, size, noise } = settings;
  const testCount = countTestShapes(count);
  const list = (origin: 'train' | 'test', length: number): Item[] =>
    Array.from({ length }, (_, index) => ({
      id: `${origin}:${String(index).padStart(5, '0')}`,
      label: index % shapeClasses.length,
      origin,
    }));
  const pages = new Map<string, Promise<Uint8Array>>();
  const imageBytes = size * size * 3;
  return {
    description: `shapes, seed ${seed} (${count.toLocaleString('en')} images of ${size}x${size}, ${shapeClasses.length} classes)`,
    classes: shapeClasses,
    items: [...list('train', count - testCount), ...list('test', testCount)],
    async content({ id }) {
      const [origin = '', digits] = id.split(':');
      const page = Math.floor(Number(digits) / pageImages);
      const key = `${origin}:${page}`;
      let drawn = pages.get(key);
      if (drawn === undefined) pages.set(key, (drawn = drawPage(origin, page, { size, noise, seed })));
      const at = (Number(digits) % pageImages) * imageBytes;
      return (await drawn).subarray(at, at + imageBytes);
    },
    decode: (_, content): Promise<Image> =>
      Promise.resolve({ width: size, height: size, channels: 3, pixels: content }),
  };
}

/** Images `page * 64` and following, one after another: uint8 [64, S, S, 3]. */
async function drawPage(
  origin: string,
  page: number,
  { size, noise, seed }: { size: number; noise: number; seed: number },
): Promise<Uint8Array> {
  const side = pageSide * size;
  const streams = Array.from({ length: pageImages }, (_, place) =>
    random(seed, 'shapes', origin, page * pageImages + place),
  );
  const tiles = streams.map((stream, place) => {
    const label = (page * pageImages + place) % shapeClasses.length;
    const x = (place % pageSide) * size;
    const y = Math.floor(place / pageSide) * size;
    const content = drawShape(label, stream, `t${place}`);
    return `<svg x="${x}" y="${y}" width="${size}" height="${size}" viewBox="0 0 100 100">${content}</svg>`;
  });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}">${tiles.join('')}</svg>`;
  const sheet = await sharp(Buffer.from(svg), { limitInputPixels: false }).removeAlpha().raw().toBuffer();
  const pixels = new Uint8Array(pageImages * size * size * 3);
  let to = 0;
  for (let place = 0; place < pageImages; place++) {
    const stream = streams[place]!;
    const left = (place % pageSide) * size;
    const top = Math.floor(place / pageSide) * size;
    for (let y = 0; y < size; y++) {
      const row = ((top + y) * side + left) * 3;
      for (let i = 0; i < size * 3; i++) {
        const value = sheet[row + i]! + bell(stream) * noise * fullNoise;
        pixels[to++] = value < 0 ? 0 : value > 255 ? 255 : Math.round(value);
      }
    }
  }
  return pixels;
}

/** About normal with variance 1: the sum of the four bytes of one draw. Millions are needed. */
function bell(stream: Random): number {
  const bits = stream.next() * 4294967296;
  const sum = (bits & 255) + ((bits >>> 8) & 255) + ((bits >>> 16) & 255) + (bits >>> 24);
  return (sum - 510) / 147.8;
}
