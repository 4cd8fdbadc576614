import type { Config } from '../pipeline/config/schema.ts';
import { fail } from '../pipeline/util/failure.ts';
import type { Origin, Source } from './contract.ts';
import { cifarClasses, cifarFiles, countCifarImages, openCifar } from './sources/cifar.ts';
import { countIdxClasses, countIdxImages, idxFiles, openIdx } from './sources/idx.ts';
import { countTestImages } from './sources/drawn-items.ts';
import { productClasses } from './sources/product-drawing.ts';

type DataConfig = Config['data'];

/**
 * Opens the configured source: lists its items, decodes nothing.
 * @param options.seed only for `shapes` and `products`, whose images it decides.
 * @throws BlockForgeError `file-missing`, `file-invalid` or `data-invalid`, naming the path and the layout expected.
 */
export async function openSource(data: DataConfig, options: { readonly seed: number }): Promise<Source> {
  switch (data.source) {
    // These two decode or draw with sharp, which planning must not wait for.
    case 'folder': {
      const { openFolder } = await import('./sources/folder/open-folder.ts');
      return openFolder(pathOf(data), data);
    }
    case 'idx':
      return openIdx(pathOf(data));
    case 'cifar10':
    case 'cifar100':
      return openCifar(pathOf(data), data.source);
    case 'shapes': {
      const { openShapes } = await import('./sources/shapes.ts');
      return openShapes(data.shapes, options.seed);
    }
    case 'products': {
      const { openProducts } = await import('./sources/products.ts');
      return openProducts(data.products, options.seed);
    }
  }
}

/** What a source calls its classes, in its own order. */
export interface SourceClasses {
  readonly names: readonly string[];
  /** The order means something: the labels are numbers in the data. Else it is that of folders, sorted. */
  readonly ordered: boolean;
  /** Those without an image, where that is known. */
  readonly empty?: readonly string[] | undefined;
}

/**
 * The classes alone, for planning: reads no image; a folder of images is listed.
 * @throws as `openSource`
 */
export async function sourceClasses(data: DataConfig): Promise<SourceClasses> {
  switch (data.source) {
    case 'folder': {
      const { listFolder } = await import('./sources/folder/list-folder.ts');
      return { names: (await listFolder(pathOf(data), data)).classes, ordered: false };
    }
    case 'idx': {
      const count = await countIdxClasses(pathOf(data));
      return { names: Array.from({ length: count }, (_, index) => String(index)), ordered: true };
    }
    case 'cifar10':
    case 'cifar100':
      return { names: await cifarClasses(pathOf(data), data.source), ordered: true };
    case 'shapes': {
      const { shapeClasses } = await import('./sources/shape-drawing.ts');
      return { names: shapeClasses, ordered: true };
    }
    case 'products':
      return { names: productClasses, ordered: true };
  }
}

/**
 * The files a packed source is read from, for fingerprints; none for `folder` (too many) and those that are drawn (no files).
 * @throws BlockForgeError `file-missing` as `openSource`.
 */
export async function dataFiles(data: DataConfig): Promise<readonly string[]> {
  switch (data.source) {
    case 'idx':
      return idxFiles(pathOf(data)).then((pairs) => pairs.flatMap(({ images, labels }) => [images, labels]));
    case 'cifar10':
    case 'cifar100': {
      const { train, test } = await cifarFiles(pathOf(data), data.source);
      return [...train, ...test];
    }
    case 'folder':
    case 'shapes':
    case 'products':
      return [];
  }
}

/**
 * How many images every part has of a source other than a folder, whatever their class: reads headers only.
 * @throws as `openSource`
 */
export async function countImages(data: DataConfig): Promise<ReadonlyMap<Origin, number>> {
  switch (data.source) {
    case 'idx':
      return countIdxImages(pathOf(data));
    case 'cifar10':
    case 'cifar100':
      return countCifarImages(pathOf(data), data.source);
    case 'folder':
      throw new Error('a folder is listed');
    case 'shapes':
      return partsOf(data.shapes.images, countTestImages(data.shapes.images));
    case 'products':
      return partsOf(data.products.images, countTestImages(data.products.images));
  }
}

function partsOf(images: number, test: number): ReadonlyMap<Origin, number> {
  return new Map([
    ['train', images - test],
    ['test', test],
  ]);
}

function pathOf({ path, source }: DataConfig): string {
  return (
    path ??
    fail({
      reason: 'config-invalid',
      subject: 'data.path',
      found: 'not set',
      expected: `the folder of the ${source} data`,
      next: 'add `path: FOLDER` under `data:`, or give --set data.path=FOLDER',
    })
  );
}
