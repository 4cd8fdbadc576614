import { join, resolve } from 'node:path';
import type { ComposeCommand } from './arguments.ts';
import type { Surroundings } from '../../terminal/terminal.ts';
import { displayPath } from '../../config/problem.ts';
import { libraryLatency, profiledLatency } from '../../profile/latency.ts';
import { chooseCompositions } from '../../compose/choose.ts';
import { limitOptions } from '../../compose/limits.ts';
import { resolveLimits, resourceOf } from '../../compose/resolve-limits.ts';
import { spaceData } from '../../compose/space-data.ts';
import { nearestRecorded } from '../../compose/recorded-models.ts';
import type { Refitted } from '../../compose/own-weights.ts';
import { openSpace, type Composition } from '../../compose/space.ts';
import { isInside, measureComposition, writeComposition } from '../../compose/make-model.ts';
import { openLibrary, type Library } from '../../library/open.ts';
import { writeFront } from './front.ts';
import { refuseLimits } from './refusal.ts';
import { progressLines } from '../../terminal/progress-lines.ts';
import { measureNames } from '../../measure/measure-names.ts';
import { renderCompositions, renderMeasuredModel, renderNearer } from './render.ts';

/** Chooses, refits, measures and writes a model. Loads an engine only to refit and to measure. @returns the exit code */
export async function runCompose(command: ComposeCommand, around: Surroundings): Promise<number> {
  const { stdout, stderr, cwd } = around;
  const library = await openLibrary(command.library);
  const latency =
    command.profile === undefined
      ? libraryLatency(library.manifest)
      : await profiledLatency(library, command.profile);
  const space = openSpace(spaceData(library.manifest, latency));
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
  const { of } = space.loss;
  if ('binding' in compositions) return refuseLimits(compositions, { library, limits, latency, teacher, of });
  const best = compositions[0]!;
  const marginPp = space.loss.marginPp(best.predictedDropPp);
  const facts = { prediction: space.loss.describe, marginPp, latency, teacher, compositions, limits };
  if (!command.json)
    stdout.write(
      `${renderCompositions(library, facts, stdout.paint, stdout.isLive ? stdout.columns : Infinity)}\n`,
    );

  const source =
    command.measures || command.refit !== undefined
      ? await (await import('../../stages/run-records.ts')).findSource(library, command.config, cwd)
      : undefined;
  const measure = (composition: Composition, refitted?: Refitted) =>
    source &&
    measureComposition(library, source, composition, {
      engine: command.engine,
      refitted,
      signal: around.unheard,
      warn: (message) => stderr.write(`${message}\n`),
      onProgress: progressLines(({ fraction }) =>
        stderr.write(`measuring: ${Math.floor(100 * fraction)} %\n`),
      ),
    });
  const first = command.measures ? await measure(best) : undefined;
  const nearer = first && nearestRecorded(library, space, limits, { than: best, kl: first.kl });
  if (nearer !== undefined && first !== undefined && !command.json)
    stdout.write(`\n${renderNearer(library, nearer, first.kl, teacher)}\n`);
  const winner = nearer?.composition ?? best;
  const refitted =
    command.refit &&
    (await (
      await import('./refit.ts')
    ).refitWinner(library, winner, command.refit, {
      source,
      engine: command.engine,
      json: command.json,
      around,
    }));
  const isOther = refitted !== undefined && refitted.weights.size > 0;
  const measured =
    command.measures && isOther ? await measure(winner, refitted) : (nearer?.measured ?? first);
  if (measured !== undefined && !command.json)
    stdout.write(
      `\n${renderMeasuredModel(winner, measured, stdout.paint, measureNames(library.manifest.teacher.measure?.kind))}\n`,
    );
  const folder =
    command.out === undefined
      ? join(library.folder, 'models', folderName(command))
      : resolve(cwd, command.out);
  if (command.writes) await writeComposition(library, space, winner, folder, { limits, measured, refitted });

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
      measure: library.manifest.teacher.measure?.kind,
      prediction: { by: space.loss.by, describe: space.loss.describe, marginPp },
      latency: { describe, isWhole },
      teacher: { params, macs, sizeBytes, latencyMs },
      models: [winner, ...compositions.filter((composition) => composition !== winner)]
        .slice(0, command.top)
        .map(withWidths),
      measured: measured && { ...measured, predictionInside: isInside(winner, measured) },
      recorded: nearer?.name,
      refitted: refitted?.record,
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

/** "params-60pct-latency-8ms" */
function folderName({ limits, maxDropPp, profile, refit }: ComposeCommand): string {
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
  if (refit !== undefined) parts.push('refit');
  return parts.join('-').replace(/[^\w.-]/g, '_');
}

function unmeasured({ measures, library: path }: ComposeCommand, { folder }: Library): string {
  if (!measures) return 'Not measured, as asked: what it loses is a prediction.';
  return (
    `Not measured: ${folder} does not lie in the run that made it, so its images are not known.\n` +
    `What the model loses is a prediction. To measure it: the same command with --config FILE, the config that made ${path}`
  );
}
