import { createRequire } from 'node:module';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { linkOrCopy } from '../compose/write-model.ts';
import { publishFile, requireFile } from '../library/listed-file.ts';
import type { Library } from '../library/open.ts';
import type { Scores } from '../measure/scores.ts';
import { pixelsPerImage } from '../model/architecture.ts';
import { bundleBrowser } from '../report/bundle-browser.ts';
import { readJson, writeFileAtomic, writeJsonAtomic } from '../util/atomic.ts';
import { fail } from '../util/failure.ts';
import { makeFolder } from '../util/make-folder.ts';
import { refuseWrite } from '../util/system-failure.ts';
import { documentFile, type DemoDocument, type DemoFile, type DemoImages } from './demo-document.ts';
import { demoPage, demoStyle } from './demo-page.ts';
import { describeDemo } from './describe-demo.ts';

/** Images of the selection split, from its first on. */
export interface ImagesToShow {
  /** uint8 [n, height, width, C], prepared. */
  readonly pixels: Uint8Array;
  readonly labels: readonly number[];
  /** By model, over the whole split or more of it than is shown; models that the library has none of are left out. */
  readonly scores: ReadonlyMap<string, Scores>;
}

export interface WriteDemoOptions {
  readonly title: string;
  readonly images?: ImagesToShow | undefined;
}

const script = 'demo.js';
const style = 'demo.css';
const imagesFile = 'images.bin';
const modules = ['tfjs-backend-wasm', 'tfjs-backend-wasm-simd', 'tfjs-backend-wasm-threaded-simd'];

/**
 * Writes a static folder that runs the library in a browser: the page, its code, TensorFlow.js' WebAssembly, and the library's weights
 * (hard links; copies on another file system), which the page fetches as it needs them. A demonstration that lies there already is replaced.
 *
 * @returns bytes of all its files
 * @throws BlockForgeError `usage` where `folder` holds something else; `library-invalid`, `out-of-space`
 */
export async function writeDemo(
  library: Library,
  folder: string,
  { title, images }: WriteDemoOptions,
): Promise<number> {
  const target = resolve(folder);
  await emptyTarget(target);
  const code = await bundleBrowser(new URL('./browser/main.ts', import.meta.url));
  const described = describeDemo(library, title);
  try {
    for (const file of weightFiles(described)) {
      await requireFile(library.folder, file, { hash: false, next: 'export the library again' });
      const path = join(target, file.path);
      makeFolder(dirname(path));
      await linkOrCopy(join(library.folder, file.path), path);
    }
    const wasm = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));
    for (const name of modules) await linkOrCopy(join(wasm, `${name}.wasm`), join(target, `${name}.wasm`));
    const texts = {
      ...{ [script]: code, [style]: await demoStyle(), 'index.html': demoPage(title, { script, style }) },
    };
    for (const [name, text] of Object.entries(texts)) await writeFileAtomic(join(target, name), text);
    const shown = images === undefined ? null : await publishImages(target, described, library, images);
    await writeJsonAtomic(join(target, documentFile), { ...described, images: shown });
    return await bytesBelow(target);
  } catch (error) {
    return refuseWrite(error, target);
  }
}

export function weightFiles({ frame, blocks }: Pick<DemoDocument, 'frame' | 'blocks'>): DemoFile[] {
  return [frame, ...blocks.flatMap(({ descendants }) => descendants.map(({ file }) => file))];
}

async function publishImages(
  folder: string,
  { models, architecture }: DemoDocument,
  { manifest }: Library,
  { pixels, labels, scores }: ImagesToShow,
): Promise<DemoImages> {
  const count = labels.length;
  if (pixels.length !== count * pixelsPerImage(architecture.imageSize, architecture.channels))
    throw new Error(`${pixels.length} values for ${count} images`);
  const digits = (flags: Uint8Array) => [...flags.subarray(0, count)].join('');
  return {
    file: await publishFile(folder, imagesFile, pixels),
    ...{ count, labels, of: manifest.data.selection.images },
    scores: Object.fromEntries(
      models.flatMap(({ id }) => {
        const found = scores.get(id);
        if (found === undefined || found.agree.length < count) return [];
        return [[id, { agree: digits(found.agree), correct: digits(found.correct) }]];
      }),
    ),
  };
}

/** Nobody's files but a demonstration's own are taken away. */
async function emptyTarget(folder: string): Promise<void> {
  const found = await readdir(folder).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
  if (found === undefined) {
    makeFolder(folder);
    return;
  }
  if (found.length === 0) return;
  const old = await readJson<{ kind?: unknown } | null>(join(folder, documentFile)).catch(() => null);
  if (old?.kind !== 'blockforge-demo') {
    fail({
      reason: 'usage',
      subject: folder,
      found: 'it exists and is no demonstration',
      expected: 'a new folder, an empty one, or one that holds an earlier demonstration',
    });
  }
  await rm(folder, { recursive: true });
  await mkdir(folder);
}

async function bytesBelow(folder: string): Promise<number> {
  const { stat } = await import('node:fs/promises');
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const sizes = await Promise.all(
    files.map(async ({ parentPath, name }) => (await stat(join(parentPath, name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
