import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { normalise } from '../../datasets/normalise.ts';
import { describeDemo } from '../../pipeline/demo/describe-demo.ts';
import { writeDemo, type ImagesToShow } from '../../pipeline/demo/write-demo.ts';
import { openLibrary, type Library } from '../../pipeline/library/open.ts';
import type { Scores } from '../../pipeline/measure/scores.ts';
import { Runtime } from '../../pipeline/runtime/runtime.ts';
import { toPlanes } from '../../pipeline/runtime/to-planes.ts';
import { openTfjsEngine } from '../../pipeline/runtime/tfjs-engine.ts';
import { random } from '../../pipeline/util/random.ts';
import { writtenLibrary } from '../library/fixture.ts';

export const title = 'a <b>bold</b> run';
export const imageCount = 60;

/** The fixture's library as a demonstration, with images of noise and what the pipeline says of them on wasm. */
export async function writtenDemo(): Promise<{
  readonly folder: string;
  readonly library: Library;
  /** Of the pipeline, on wasm. */
  readonly runtime: Runtime;
  remove(): Promise<void>;
}> {
  const written = await writtenLibrary();
  const folder = mkdtempSync(join(tmpdir(), 'blockforge-demo-'));
  const library = await openLibrary(written.path);
  const runtime = new Runtime(library, await openTfjsEngine(library, 'wasm'));
  const images = await noise(library, runtime);
  await writeDemo(library, folder, { title, images });
  return {
    ...{ folder, library, runtime },
    async remove() {
      await runtime.close();
      await written.remove();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function noise(library: Library, runtime: Runtime): Promise<ImagesToShow> {
  const { architecture, preprocessing } = library.manifest.teacher;
  const size = 8 * 8;
  const draw = random(3, 'pixels');
  const pixels = Uint8Array.from({ length: imageCount * size }, () => draw.integer(256));
  const labels = Array.from({ length: imageCount }, () => draw.integer(architecture.classes));
  const planes = toPlanes(normalise(pixels, preprocessing), 1);
  const scores = new Map<string, Scores>();
  let teacher: readonly number[] = [];
  for (const { id, descendants } of describeDemo(library, title).models) {
    runtime.use(descendants);
    const said = (await runtime.predict(planes)).map(({ classIndex }) => classIndex);
    if (id === 'teacher') teacher = said;
    const flags = (of: readonly number[]) => Uint8Array.from(said, (index, i) => Number(index === of[i]));
    scores.set(id, { agree: flags(teacher), correct: flags(labels), kl: new Float32Array(imageCount) });
  }
  return { pixels, labels, scores };
}
