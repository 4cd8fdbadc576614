import { pixelsPerImage } from '../../model/architecture.ts';
import type { DemoDocument } from '../demo-document.ts';
import { fetchFile } from './fetch-file.ts';

/** The prepared images that the demonstration ships. */
export interface SampleImages {
  readonly count: number;
  /** uint8 [height, width, C], of image `index`. */
  pixels(index: number): Uint8Array<ArrayBuffer>;
}

/** @throws BlockForgeError `download-failed`, `library-invalid` */
export async function openSamples(
  { images, architecture }: DemoDocument,
  base: string,
): Promise<SampleImages> {
  if (images === null) return { count: 0, pixels: () => new Uint8Array() };
  const all = new Uint8Array(await fetchFile(images.file, base));
  const size = pixelsPerImage(architecture.imageSize, architecture.channels);
  if (all.length !== size * images.count) throw new Error(`${images.file.path} holds other images`);
  return { count: images.count, pixels: (index) => all.slice(index * size, (index + 1) * size) };
}
