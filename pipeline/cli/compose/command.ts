import { join, resolve } from 'node:path';
import type { ComposeCommand } from './arguments.ts';
import type { Surroundings } from '../../terminal/terminal.ts';
import { displayPath } from '../../config/problem.ts';
import { libraryLatency, profiledLatency } from '../../profile/latency.ts';
import { chooseCompositions } from '../../compose/choose.ts';
import { composeSpace, type Composition, type Limits, type Resource } from '../../compose/space.ts';
import { isInside, measureComposition, writeComposition } from '../../compose/make-model.ts';
import { openLibrary, type Library } from '../../library/open.ts';
import { fail } from '../../util/failure.ts';
import { writeFront } from './front.ts';
import { refuseLimits } from './refusal.ts';
import { limitOptions, type LimitOption } from './limits.ts';
import { progressLines } from '../../terminal/progress-lines.ts';
import { renderCompositions, renderMeasuredModel } from './render.ts';

export const resourceOf: Readonly<Record<LimitOption, Resource>> = {
  params: 'params',
  macs: 'macs',
  size: 'sizeBytes',
  latency: 'latencyMs',
};

/** Chooses, measures and writes a model. Loads an engine only to measure. @returns the exit code */
export async function runCompose(command: ComposeCommand, around: Surroundings): Promise<number> {
  const { stdout, stderr, cwd } = around;
  const library = await openLibrary(command.library);
  const latency =
    command.profile === undefined
      ? libraryLatency(library.manifest)
      : await profiledLatency(library, command.profile);
  const space = composeSpace(library, latency);
  const teacher = space.compositionOf(library.manifest.blocks.map(() => 0));
  const limits = resolveLimits(command, teacher);
  if (command.front !== undefined) {
    const { by, file } = command.front;
    return writeFront(
      space,
      { by: resourceOf[by], limits, about: latency.describe, file, json: command.json },
      around,
    );
  }

  const compositions = chooseCompositions(space, limits, {
    count: command.top,
    minimise: resourceOf[command.minimise],
  });
  if ('binding' in compositions) return refuseLimits(compositions, { library, limits, latency, teacher });
  const winner = compositions[0]!;
  const facts = { prediction: space.loss.describe, latency, teacher, compositions, limits };
  if (!command.json) stdout.write(`${renderCompositions(library, facts, stdout.paint)}\n`);

  const source = command.measures
    ? await (await import('../../stages/run-records.ts')).findSource(library, command.config, cwd)
    : undefined;
  const measured =
    source &&
    (await measureComposition(library, source, winner, {
      engine: command.engine,
      signal: around.unheard,
      warn: (message) => stderr.write(`${message}\n`),
      onProgress: progressLines(({ fraction }) =>
        stderr.write(`measuring: ${Math.floor(100 * fraction)} %\n`),
      ),
    }));
  if (measured !== undefined && !command.json)
    stdout.write(`\n${renderMeasuredModel(winner, measured, stdout.paint)}\n`);
  const folder =
    command.out === undefined
      ? join(library.folder, 'models', folderName(command))
      : resolve(cwd, command.out);
  if (command.writes) await writeComposition(library, space, winner, folder, { limits, measured });

  if (command.json) {
    const { describe, isWhole } = latency;
    const withWidths = (composition: Composition) => ({
      widths: composition.descendants.map((id) => library.descendant(id).width),
      ...composition,
    });
    const { params, macs, sizeBytes, latencyMs } = teacher;
    const answer = {
      library: library.folder,
      limits,
      prediction: { by: space.loss.by, describe: space.loss.describe },
      latency: { describe, isWhole },
      teacher: { params, macs, sizeBytes, latencyMs },
      models: compositions.map(withWidths),
      measured: measured && { ...measured, predictionInside: isInside(winner, measured) },
      folder: command.writes ? folder : undefined,
    };
    stdout.write(`${JSON.stringify(answer, null, 2)}\n`);
    return 0;
  }
  if (command.writes) {
    if (measured === undefined) stdout.write(`\n${unmeasured(command, library)}\n`);
    stdout.write(`\nModel: ${displayPath(folder, cwd)}\n`);
  } else stderr.write('nothing written (--dry-run)\n');
  return 0;
}

/** Shares become amounts of the teacher's; counts are whole. */
function resolveLimits({ limits, maxDropPp }: ComposeCommand, teacher: Composition): Limits {
  const amounts: Partial<Record<Resource, number>> = {};
  for (const option of limitOptions) {
    const given = limits[option];
    if (given === undefined) continue;
    const name = resourceOf[option];
    const amount = 'amount' in given ? given.amount : given.share * teacher[name]!;
    // 60 % of a count may be a count that rounding puts just below itself.
    amounts[name] = name === 'latencyMs' ? amount : Math.floor(amount * (1 + 1e-12));
    if (amounts[name] === 0)
      fail({ reason: 'usage', subject: `--${option}`, found: `${amount}`, expected: 'one or more' });
  }
  return { ...amounts, maxDropPp };
}

/** "params-60pct-latency-8ms" */
function folderName({ limits, maxDropPp, profile }: ComposeCommand): string {
  const parts = limitOptions.flatMap((option) => {
    const given = limits[option];
    if (given === undefined) return [];
    return 'share' in given
      ? [`${option}-${Number((100 * given.share).toPrecision(6))}pct`]
      : [`${option}-${Number(given.amount.toPrecision(6))}`];
  });
  if (maxDropPp !== undefined) parts.push(`drop-${maxDropPp}pp`);
  if (profile !== undefined && limits.latency !== undefined)
    parts.push(profile.replace(/^.*[/\\]/, '').replace(/\.json$/, ''));
  return parts.join('-').replace(/[^\w.-]/g, '_');
}

function unmeasured({ measures, library: path }: ComposeCommand, { folder }: Library): string {
  if (!measures) return 'Not measured, as asked: what it loses is a prediction.';
  return (
    `Not measured: ${folder} does not lie in the run that made it, so its images are not known.\n` +
    `What the model loses is a prediction. To measure it: the same command with --config FILE, the config that made ${path}`
  );
}
