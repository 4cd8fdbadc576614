import type { Config } from '../../pipeline/config/schema.ts';
import { random } from '../../pipeline/util/random.ts';
import type { Image, Item, Origin, Source } from '../contract.ts';
import { sharp } from '../sharp.ts';
import { bell } from './bell.ts';
import { drawnItems } from './drawn-items.ts';
import { drawShape, shapeClasses } from './shape-drawing.ts';

/**
 * Images drawn on one sheet: starting librsvg once for many images is what makes them cheap. An image has one place, on
 * whatever sheet it is drawn: at another its edges would be rounded otherwise.
 */
const sheetSide = 8;
const sheetImages = sheetSide * sheetSide;
/** Standard deviation of the noise, in grey levels, at `noise: 1`. */
const fullNoise = 80;

/**
 * A synthetic data set that needs no download: ten classes of textured figures (`shape-drawing.ts`), balanced, with
 * noise. The same seed, size and noise give the same image for the same id, whatever else is asked for and in any
 * order. Images are drawn a sheet at a time when first asked for and kept in memory.
 */
export function openShapes(settings: Config['data']['shapes'], seed: number): Source {
  const { images: count, size, noise } = settings;
  const parts: Readonly<Partial<Record<Origin, readonly Item[]>>> = drawnItems(count, shapeClasses);
  const sheetOf = new Map<string, Sheet>();
  const expect = (items: readonly Pick<Item, 'id'>[]): void => {
    let after: Sheet['draw'] | undefined;
    for (const places of sheetsOf(items.filter(({ id }) => !sheetOf.has(id)).map(placeOf)).reverse()) {
      const next = after;
      const drawn = lazy(() => drawSheet(places, { size, noise, seed }));
      // The next one, and no other, is drawn while this one's noise is made; whoever asks for it is told what went wrong.
      const draw = lazy(() => {
        next?.().catch(() => undefined);
        return drawn();
      });
      for (const { id } of places) sheetOf.set(id, { draw });
      after = drawn;
    }
  };
  return {
    description: `shapes, seed ${seed} (${count.toLocaleString('en')} images of ${size}x${size}, ${shapeClasses.length} classes)`,
    classes: shapeClasses,
    items: Object.values(parts).flat(),
    expect,
    async content({ id, origin }) {
      if (!sheetOf.has(id)) {
        const { index, place } = placeOf({ id });
        expect(parts[origin]?.slice(index - place, index - place + sheetImages) ?? []);
      }
      const image = (await sheetOf.get(id)?.draw())?.get(id);
      if (image === undefined) throw new Error(`there is no image ${id}`);
      return image;
    },
    decode: (_, content): Promise<Image> =>
      Promise.resolve({ width: size, height: size, channels: 3, pixels: content }),
  };
}

interface Sheet {
  /** uint8 [S, S, 3] by id; drawn once. */
  readonly draw: () => Promise<ReadonlyMap<string, Uint8Array>>;
}

interface Placed {
  readonly id: string;
  readonly origin: string;
  readonly index: number;
  readonly place: number;
}

function placeOf({ id }: Pick<Item, 'id'>): Placed {
  const [origin = '', digits] = id.split(':');
  const index = Number(digits);
  return { id, origin, index, place: index % sheetImages };
}

/** As few sheets as hold all of them, at each place one, the first images on the first. */
function sheetsOf(images: readonly Placed[]): Placed[][] {
  const sheets: Placed[][] = [];
  const used = new Array<number>(sheetImages).fill(0);
  for (const image of images) (sheets[used[image.place]!++] ??= []).push(image);
  return sheets;
}

function lazy<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

async function drawSheet(
  images: readonly Placed[],
  { size, noise, seed }: { size: number; noise: number; seed: number },
): Promise<ReadonlyMap<string, Uint8Array>> {
  const side = sheetSide * size;
  const drawn = images.map(({ id, origin, index, place }) => {
    const stream = random(seed, 'shapes', origin, index);
    const left = (place % sheetSide) * size;
    const top = Math.floor(place / sheetSide) * size;
    const content = drawShape(index % shapeClasses.length, stream, `t${place}`);
    const tile = `<svg x="${left}" y="${top}" width="${size}" height="${size}" viewBox="0 0 100 100">${content}</svg>`;
    return { id, stream, left, top, tile };
  });
  const tiles = drawn.map(({ tile }) => tile).join('');
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${side}" height="${side}">${tiles}</svg>`;
  const sheet = await sharp(Buffer.from(svg), { limitInputPixels: false }).removeAlpha().raw().toBuffer();
  return new Map(
    drawn.map(({ id, stream, left, top }) => {
      const pixels = new Uint8Array(size * size * 3);
      let to = 0;
      for (let y = 0; y < size; y++) {
        const row = ((top + y) * side + left) * 3;
        for (let i = 0; i < size * 3; i++) {
          const value = sheet[row + i]! + bell(stream) * noise * fullNoise;
          pixels[to++] = value < 0 ? 0 : value > 255 ? 255 : Math.round(value);
        }
      }
      return [id, pixels] as const;
    }),
  );
}
