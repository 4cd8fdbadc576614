import { readdir, readFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { Preprocessing } from '../../datasets/contract.ts';
import type { Deployment } from '../deployment/deployment.ts';
import { fail } from '../util/failure.ts';
import { imageBytes } from './image-message.ts';
import type { ImageBytes } from './protocol.ts';

const endings: ReadonlySet<string> = new Set([
  '.jpg',
  '.jpeg',
  '.png',
  '.webp',
  '.gif',
  '.bmp',
  '.tif',
  '.tiff',
  '.avif',
]);
/** They are held in memory. */
const most = 500;

/**
 * Images to try a deployment with: the first of a folder by name, or the test images of its first device.
 * @throws BlockForgeError `file-missing`, `data-invalid`
 */
export async function loadImages(
  deployment: Deployment,
  preprocessing: Preprocessing,
  folder?: string,
): Promise<readonly ImageBytes[]> {
  if (folder === undefined) {
    const [first] = deployment.manifest.devices;
    const { pixels, images } = await (await deployment.device(first?.name ?? '')).readSelfTest();
    const size = pixels.length / images;
    return Array.from({ length: images }, (_, i) => ({ pixels: pixels.subarray(i * size, (i + 1) * size) }));
  }
  const names = await readdir(folder, { recursive: true }).catch((error: unknown) =>
    fail({ reason: 'file-missing', subject: folder, found: (error as Error).message }, error),
  );
  const paths = names
    .filter((name) => endings.has(extname(name).toLowerCase()))
    .sort()
    .slice(0, most)
    .map((name) => join(folder, name));
  if (paths.length === 0)
    fail({
      reason: 'data-invalid',
      subject: folder,
      found: 'no image files',
      expected: [...endings].join(', '),
    });
  return Promise.all(paths.map(async (path) => imageBytes(await readFile(path), preprocessing, path)));
}
