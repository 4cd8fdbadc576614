import { stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fail } from '../../pipeline/util/failure.ts';
import { readPlainFile } from '../../pipeline/util/plain-file.ts';
import type { Item, Source } from '../contract.ts';
import { failMissing } from '../missing.ts';
import { known } from '../../pipeline/util/known.ts';

const side = 32;
const plane = side * side;
const pixelBytes = 3 * plane;

interface Format {
  readonly train: readonly string[];
  readonly test: readonly string[];
  /** Bytes before the pixels; the last of them is the label used (CIFAR-100: the fine one). */
  readonly labelBytes: number;
  readonly classes: number;
  readonly namesFile: string;
  /** The folder its archive unpacks to, looked into when data.path is the folder around it. */
  readonly archiveFolder: string;
}

const formats: Readonly<Record<'cifar10' | 'cifar100', Format>> = {
  cifar10: {
    train: [1, 2, 3, 4, 5].map((batch) => `data_batch_${batch}.bin`),
    test: ['test_batch.bin'],
    labelBytes: 1,
    classes: 10,
    namesFile: 'batches.meta.txt',
    archiveFolder: 'cifar-10-batches-bin',
  },
  cifar100: {
    train: ['train.bin'],
    test: ['test.bin'],
    labelBytes: 2,
    classes: 100,
    namesFile: 'fine_label_names.txt',
    archiveFolder: 'cifar-100-binary',
  },
};

/**
 * CIFAR-10 or CIFAR-100 in the published binary form, read into memory. Class names come from the archive's text
 * file; without it they are the indices.
 * @throws BlockForgeError `file-missing`; `file-invalid` for a file that is not whole records, or a label out of range.
 */
export async function openCifar(folder: string, kind: 'cifar10' | 'cifar100'): Promise<Source> {
  const { labelBytes, classes, namesFile } = formats[kind];
  const files = await cifarFiles(folder, kind);
  const contents = new Map<string, Uint8Array>();
  const items: Item[] = [];
  for (const origin of ['train', 'test'] as const) {
    let index = 0;
    for (const path of files[origin]) {
      for (const record of records(path, await readPlainFile(path), labelBytes, classes)) {
        const id = `${origin}:${String(index++).padStart(5, '0')}`;
        items.push({ id, label: record[labelBytes - 1]!, origin });
        contents.set(id, record.subarray(labelBytes));
      }
    }
  }
  return {
    description: `${kind} ${folder} (${items.length.toLocaleString('en')} images of ${side}x${side}, ${classes} classes)`,
    classes: await classNames(join(files.folder, namesFile), classes),
    items,
    packed: true,
    content: ({ id }) => Promise.resolve(known(contents, id)),
    decode: (_, content) =>
      Promise.resolve({ width: side, height: side, channels: 3, pixels: interleave(content) }),
  };
}

/** The class names, in the order of the labels. @throws as `openCifar` */
export async function cifarClasses(folder: string, kind: 'cifar10' | 'cifar100'): Promise<readonly string[]> {
  const { classes, namesFile } = formats[kind];
  return classNames(join((await cifarFiles(folder, kind)).folder, namesFile), classes);
}

/** How many images each part has, from the sizes of the files. @throws as `openCifar` */
export async function countCifarImages(
  folder: string,
  kind: 'cifar10' | 'cifar100',
): Promise<ReadonlyMap<Item['origin'], number>> {
  const files = await cifarFiles(folder, kind);
  const recordBytes = formats[kind].labelBytes + pixelBytes;
  const count = async (paths: readonly string[]) => {
    const sizes = await Promise.all(paths.map(async (path) => (await stat(path)).size));
    return Math.floor(sizes.reduce((a, b) => a + b, 0) / recordBytes);
  };
  return new Map([
    ['train', await count(files.train)],
    ['test', await count(files.test)],
  ]);
}

/** @throws BlockForgeError `file-missing` naming the files that are not there. */
export async function cifarFiles(
  folder: string,
  kind: 'cifar10' | 'cifar100',
): Promise<{ folder: string; train: readonly string[]; test: readonly string[] }> {
  const { train, test, archiveFolder } = formats[kind];
  const wanted = [...train, ...test];
  const absentFrom = async (from: string) => {
    const found = await Promise.all(wanted.map((name) => isFile(join(from, name))));
    return wanted.filter((_, index) => !found[index]);
  };
  const nested = join(folder, archiveFolder);
  const absent = await absentFrom(folder);
  const root = absent.length > 0 && (await absentFrom(nested)).length === 0 ? nested : folder;
  if (root === folder && absent.length > 0) {
    failMissing(folder, {
      found: absent.length === wanted.length ? 'none of the files' : `no ${absent.join(', ')}`,
      layout: wanted.join(', '),
      get: `unpack the binary version of ${kind === 'cifar10' ? 'CIFAR-10' : 'CIFAR-100'} (the archive unpacks to ${archiveFolder}/)`,
    });
  }
  const full = (names: readonly string[]) => names.map((name) => join(root, name));
  return { folder: root, train: full(train), test: full(test) };
}

function* records(
  path: string,
  bytes: Uint8Array,
  labelBytes: number,
  classes: number,
): Generator<Uint8Array> {
  const recordBytes = labelBytes + pixelBytes;
  if (bytes.length === 0 || bytes.length % recordBytes !== 0) {
    refuse(
      path,
      `${bytes.length} bytes`,
      `a multiple of ${recordBytes} (${labelBytes} label, ${pixelBytes} pixel bytes)`,
    );
  }
  for (let at = 0; at < bytes.length; at += recordBytes) {
    const label = bytes[at + labelBytes - 1]!;
    if (label >= classes)
      refuse(`${path}, record ${at / recordBytes}`, `label ${label}`, `0 to ${classes - 1}`);
    yield bytes.subarray(at, at + recordBytes);
  }
}

/** Three colour planes -> row-major RGB. */
function interleave(planes: Uint8Array): Uint8Array {
  const pixels = new Uint8Array(pixelBytes);
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < 3; c++) pixels[3 * i + c] = planes[c * plane + i]!;
  }
  return pixels;
}

async function classNames(path: string, count: number): Promise<readonly string[]> {
  const text = await readPlainFile(path, 1e6).then(String, (error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) return Array.from({ length: count }, (_, index) => String(index));
  const names = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '');
  if (names.length !== count) refuse(path, `${names.length} class names in ${basename(path)}`, `${count}`);
  return names;
}

async function isFile(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isFile(),
    () => false,
  );
}

function refuse(subject: string, found: string, expected: string): never {
  return fail({ reason: 'file-invalid', subject, found, expected, next: 'unpack the archive again' });
}
