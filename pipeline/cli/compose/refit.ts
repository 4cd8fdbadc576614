import { resolve } from 'node:path';
import type { Refitted } from '../../compose/own-weights.ts';
import { refitComposition } from '../../compose/refit-composition.ts';
import { openRefitImages } from '../../compose/refit-images.ts';
import type { Composition } from '../../compose/space.ts';
import type { MeasureSource } from '../../library/images.ts';
import type { Library } from '../../library/open.ts';
import { progressLines } from '../../terminal/progress-lines.ts';
import type { EngineChoice } from '../../tensor/engine.ts';
import type { Surroundings } from '../../terminal/terminal.ts';
import { fail } from '../../util/failure.ts';
import { formatDuration } from '../../util/format.ts';
import { measureNames } from '../../measure/measure-names.ts';
import { renderRefitted } from './render.ts';
import type { ComposeCommand } from './arguments.ts';

/**
 * Fits the blocks of the chosen model again and says what came of it.
 * @throws BlockForgeError `usage` where neither the run's images nor a folder of others are known
 */
export async function refitWinner(
  library: Library,
  { descendants }: Composition,
  { images: folder }: NonNullable<ComposeCommand['refit']>,
  {
    source,
    engine,
    json,
    around: { stdout, stderr, cwd, unheard },
  }: {
    readonly source: MeasureSource | undefined;
    readonly engine: EngineChoice;
    readonly json: boolean;
    readonly around: Surroundings;
  },
): Promise<Refitted | undefined> {
  const from =
    folder !== undefined
      ? { folder: resolve(cwd, folder) }
      : source !== undefined
        ? { source }
        : fail({
            reason: 'usage',
            subject: 'compose --refit',
            found: `${library.folder} does not lie in the run that made it, so its calibration images are not known`,
            expected: 'images to fit the blocks to',
            next: '--images DIR, a folder of images like those the model will see, or --config FILE, the config that made the library',
          });
  const reading = progressLines<{ readonly fraction: number; readonly note?: string }>(({ note }) =>
    stderr.write(`reading images${note === undefined ? '' : `: ${note}`}\n`),
  );
  const images = await openRefitImages(library, from, {
    signal: unheard,
    warn: (message) => stderr.write(`${message}\n`),
    onProgress: reading,
  });
  const started = performance.now();
  const fitting = progressLines<{ readonly fraction: number; readonly note: string }>(
    ({ fraction, note }) => {
      const seconds = (performance.now() - started) / 1000;
      const left =
        fraction > 0 ? `, about ${formatDuration((seconds * (1 - fraction)) / fraction)} left` : '';
      stderr.write(`refitting: ${Math.floor(100 * fraction)} %, ${note}${left}\n`);
    },
  );
  const refitted = await refitComposition(library, descendants, images, {
    engine,
    signal: unheard,
    onProgress: fitting,
  });
  if (!json)
    stdout.write(
      `\n${renderRefitted(refitted?.record, measureNames(library.manifest.teacher.measure?.kind))}\n`,
    );
  return refitted;
}
