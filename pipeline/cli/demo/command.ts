import { basename, dirname, join, resolve } from 'node:path';
import { serveFolder } from '../../demo/serve-folder.ts';
import { writeDemo, type ImagesToShow } from '../../demo/write-demo.ts';
import { openMeasuredSplit } from '../../library/images.ts';
import { openLibrary, type Library } from '../../library/open.ts';
import { scoresOfRun } from '../../stages/blocks/scores-of-run.ts';
import { sourceOfRun } from '../../stages/run-records.ts';
import { watchInterrupts } from '../../terminal/interrupts.ts';
import type { Surroundings } from '../../terminal/terminal.ts';
import { isClassifier } from '../../model/architecture.ts';
import { BlockForgeError, fail } from '../../util/failure.ts';
import { formatBytes } from '../../util/format.ts';
import type { DemoCommand } from './arguments.ts';

/** Writes the page and serves it where asked. @returns the exit code */
export async function runDemo(command: DemoCommand, { stdout, stderr, cwd }: Surroundings): Promise<number> {
  const library = await openLibrary(resolve(cwd, command.library));
  if (!isClassifier(library.manifest.teacher.architecture)) {
    fail({
      reason: 'data-invalid',
      subject: library.folder,
      found: 'models that answer with features, not with classes',
      expected: 'classifiers: the page shows what they say of images',
      next: 'teacher.head: { train: true } fits a head to the labels of the data',
    });
  }
  const around = dirname(library.folder);
  const folder = command.out === undefined ? join(around, 'demo') : resolve(cwd, command.out);
  const warn = (message: string) => stderr.write(`${message}\n`);
  const images = command.images === 0 ? undefined : await imagesToShow(library, command.images, warn);
  const title = basename(basename(library.folder) === 'library' ? around : library.folder);
  const bytes = await writeDemo(library, folder, { title, images });
  const shown = images === undefined ? 'no images' : `${images.labels.length} images of the selection split`;
  stdout.write(`${join(folder, 'index.html')}: ${formatBytes(bytes)} in all, with ${shown}\n`);
  if (command.serve === undefined) {
    stdout.write(`Any file host will do. Here: npm run pipeline -- demo ${command.library} --serve\n`);
    return 0;
  }
  const interrupts = watchInterrupts();
  const server = await serveFolder(folder, command.serve);
  try {
    stdout.write(`${server.url} until Ctrl-C\n`);
    await new Promise<void>((done) => {
      if (interrupts.polite.aborted) done();
      interrupts.polite.addEventListener('abort', () => done(), { once: true });
    });
    return 0;
  } finally {
    await server.close();
    interrupts.dispose();
  }
}

/** The first images of the split that the library was measured on, where they can be had. */
async function imagesToShow(
  library: Library,
  most: number,
  warn: (message: string) => void,
): Promise<ImagesToShow | undefined> {
  const source = await sourceOfRun(library);
  if (source === undefined) {
    warn('The library does not lie in the run that made it: the page has no images of its own.');
    return undefined;
  }
  try {
    const split = await openMeasuredSplit(library, source, 'selection', { warn });
    const { pixels, labels } = await split.load(split.items.slice(0, most));
    const scores = await scoresOfRun(
      source.origin,
      split.items.map(({ id }) => id),
    );
    return { pixels, labels: [...labels], scores };
  } catch (error) {
    if (!(error instanceof BlockForgeError)) throw error;
    warn(`The page has no images of its own: ${error.message}`);
    return undefined;
  }
}
