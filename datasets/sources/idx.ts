import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants, gunzip, gunzipSync } from 'node:zlib';
import { fail } from '../../pipeline/util/failure.ts';
import { formatBytes } from '../../pipeline/util/format.ts';
import { openFlags, readPlainFile } from '../../pipeline/util/plain-file.ts';
import type { Item, Source } from '../contract.ts';
import { failMissing } from '../missing.ts';
import { known } from '../../pipeline/util/known.ts';

const inflate = promisify(gunzip);

const layout =
  'train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte, each with or without .gz';

interface IdxPair {
  readonly part: 'train' | 't10k';
  readonly images: string;
  readonly labels: string;
}

/**
 * The MNIST family (MNIST, Fashion-MNIST, KMNIST, EMNIST renamed): grey images in IDX files, read into memory.
 * With only one of the two parts the images have no split of their own.
 * @throws BlockForgeError `file-missing`; `file-invalid` for a wrong magic number, counts that disagree, a file that is
 * shorter or longer than its header says.
 */
export async function openIdx(folder: string): Promise<Source> {
  const pairs = await idxFiles(folder);
  const parts = await Promise.all(pairs.map((pair) => readPair(pair)));
  const { width: firstWidth, height: firstHeight } = parts[0]!;
  const size = firstWidth * firstHeight;
  for (const { pair, width, height } of parts) {
    if (width * height === size && width === firstWidth) continue;
    refuse(
      pair.images,
      `images of ${width}x${height}`,
      `${parts[0]!.width}x${parts[0]!.height} as in the other file`,
    );
  }
  const offset = new Map<string, { readonly pixels: Uint8Array; readonly at: number }>();
  const items = parts.flatMap(({ pair, labels, pixels }): Item[] => {
    const name = pair.part === 'train' ? 'train' : 'test';
    return Array.from(labels, (label, index) => {
      const id = `${name}:${String(index).padStart(5, '0')}`;
      offset.set(id, { pixels, at: index * size });
      return { id, label, origin: parts.length === 2 ? name : 'all' };
    });
  });
  const classCount = items.reduce((most, { label }) => Math.max(most, label + 1), 0);
  const { width, height } = parts[0]!;
  return {
    description: `idx ${folder} (${items.length.toLocaleString('en')} images of ${width}x${height}, ${classCount} classes)`,
    classes: Array.from({ length: classCount }, (_, index) => String(index)),
    items,
    packed: true,
    content: ({ id }) => {
      const { pixels, at } = known(offset, id);
      return Promise.resolve(pixels.subarray(at, at + size));
    },
    decode: (_, content) => Promise.resolve({ width, height, channels: 1, pixels: content }),
  };
}

/** How many classes there are, from the label files alone. @throws as `openIdx` */
export async function countIdxClasses(folder: string): Promise<number> {
  const labels = await Promise.all((await idxFiles(folder)).map((pair) => readIdx(pair.labels, 1)));
  return labels.reduce((most, { bytes }) => bytes.reduce((a, b) => Math.max(a, b + 1), most), 0);
}

/** How many images each part has, from the headers of the label files. @throws as `openIdx` */
export async function countIdxImages(folder: string): Promise<ReadonlyMap<Item['origin'], number>> {
  const pairs = await idxFiles(folder);
  const counts = await Promise.all(
    pairs.map(async ({ part, labels }) => {
      const { head } = await readHead(labels, labels.endsWith('.gz'));
      const name = part === 'train' ? 'train' : 'test';
      return [pairs.length === 2 ? name : 'all', head.length < 8 ? 0 : head.readUInt32BE(4)] as const;
    }),
  );
  return new Map(counts);
}

/** @throws BlockForgeError `file-missing` when neither part is complete, or only half of one is there. */
export async function idxFiles(folder: string): Promise<readonly IdxPair[]> {
  const names = new Set(
    await readdir(folder).catch((error: unknown) => {
      const { code, message } = error as NodeJS.ErrnoException;
      return missing(folder, code === 'ENOENT' ? 'no such folder' : message);
    }),
  );
  const find = (stem: string, kind: string) =>
    [`${stem}-${kind}`, `${stem}.${kind}`]
      .flatMap((name) => [name, `${name}.gz`])
      .find((name) => names.has(name));
  const pairs: IdxPair[] = [];
  for (const part of ['train', 't10k'] as const) {
    const images = find(`${part}-images`, 'idx3-ubyte');
    const labels = find(`${part}-labels`, 'idx1-ubyte');
    if (images !== undefined && labels !== undefined) {
      pairs.push({ part, images: join(folder, images), labels: join(folder, labels) });
    } else if (images !== undefined || labels !== undefined) {
      missing(folder, `${images ?? labels} without its ${images === undefined ? 'images' : 'labels'}`);
    }
  }
  return pairs.length > 0 ? pairs : missing(folder, `${names.size} entries, none of these files`);
}

function missing(folder: string, found: string): never {
  return failMissing(folder, {
    found,
    layout,
    get: 'download the four IDX files of MNIST, Fashion-MNIST or a relative in their published form',
  });
}

async function readPair(pair: IdxPair) {
  const images = await readIdx(pair.images, 3);
  const labels = await readIdx(pair.labels, 1);
  const count = images.sizes[0]!;
  const height = images.sizes[1]!;
  const width = images.sizes[2]!;
  if (labels.sizes[0] !== count)
    refuse(pair.labels, `${labels.sizes[0]} labels`, `${count}, one for each image`);
  return { pair, width, height, pixels: images.bytes, labels: labels.bytes };
}

/** Larger images are no MNIST relative; the bound also keeps the product of the sizes exact. */
const maxSide = 4096;
const maxCount = 50_000_000;
/** Deflate cannot shrink data by more than this. */
const maxRatio = 1032;

/** Checks everything the header claims against the file's size before anything of that size is allocated. */
async function readIdx(path: string, dimensions: 1 | 3): Promise<{ sizes: number[]; bytes: Uint8Array }> {
  const headerBytes = 4 + 4 * dimensions;
  const zipped = path.endsWith('.gz');
  const { head, fileBytes } = await readHead(path, zipped);
  if (head.length < headerBytes)
    refuse(path, `${head.length} bytes`, `an IDX header of ${headerBytes} bytes`);
  const magic = head.readUInt32BE(0);
  const expectedMagic = 0x800 + dimensions;
  if (magic !== expectedMagic)
    refuse(
      path,
      `magic number ${hex(magic)}`,
      `${hex(expectedMagic)} (unsigned bytes, ${dimensions} dimensions)`,
    );
  const sizes = Array.from({ length: dimensions }, (_, index) => head.readUInt32BE(4 + 4 * index));
  const total = headerBytes + sizes.reduce((a, b) => a * b, 1);
  const possible = zipped ? fileBytes * maxRatio : fileBytes;
  const count = sizes[0]!;
  const sides = sizes.slice(1);
  if (
    count === 0 ||
    count > maxCount ||
    sides.some((side) => side === 0 || side > maxSide) ||
    total > possible
  ) {
    refuse(
      path,
      `a header that claims ${sizes.join(' x ')} values`,
      `no more than its ${formatBytes(fileBytes)} can hold`,
    );
  }
  const raw = await readPlainFile(path);
  const bytes = zipped
    ? await inflate(raw, { maxOutputLength: total }).catch((error: unknown) => {
        const { code, message } = error as NodeJS.ErrnoException;
        return refuse(
          path,
          code === 'ERR_BUFFER_TOO_LARGE' ? `more than ${total} bytes` : `broken gzip data (${message})`,
          `${total} bytes, as the header says`,
        );
      })
    : raw;
  if (bytes.length !== total) refuse(path, `${bytes.length} bytes`, `${total}, as the header says`);
  return { sizes, bytes: bytes.subarray(headerBytes) };
}

async function readHead(path: string, zipped: boolean): Promise<{ head: Buffer; fileBytes: number }> {
  const file = await open(path, openFlags);
  try {
    const { size } = await file.stat();
    const start = Buffer.alloc(Math.min(size, 512));
    await file.read(start, 0, start.length, 0);
    if (!zipped) return { head: start, fileBytes: size };
    // Z_SYNC_FLUSH accepts that the data stop here; 512 bytes cannot inflate to more than this.
    const options = { finishFlush: constants.Z_SYNC_FLUSH, maxOutputLength: 512 * maxRatio };
    return { head: gunzipSync(start, options), fileBytes: size };
  } catch (error) {
    return refuse(
      path,
      `unreadable (${(error as Error).message})`,
      zipped ? 'a gzip file' : 'a readable file',
    );
  } finally {
    await file.close();
  }
}

function refuse(path: string, found: string, expected: string): never {
  return fail({ reason: 'file-invalid', subject: path, found, expected, next: 'download the file again' });
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, '0')}`;
}
