import { join } from 'node:path';
import type { Config } from '../../config/schema.ts';
import type { Executor } from '../../runner/executor.ts';
import { run, type RunOutcome } from '../../runner/run.ts';
import type { Method } from '../../stages/common/method.ts';
import { aboutRun } from '../../stages/common/page/about-run.ts';
import { chooseView } from '../../terminal/choose-view.ts';
import { logFailure } from '../../terminal/run-log.ts';
import { renderOutcome } from '../../terminal/run-outcome.ts';
import type { Surroundings } from '../../terminal/terminal.ts';
import { trackRun } from '../../terminal/track-run.ts';
import type { Stops } from '../../terminal/stops.ts';
import type { RunCommand } from './arguments.ts';
import type { PreparedRun } from './prepare.ts';
import { makeExecutor } from './make-executor.ts';
import { commandToGoOn } from './command-to-go-on.ts';
import { closeListeners, listenersOf } from './listeners.ts';
import { renderEnding } from './ending/render-ending.ts';
import { resultOf } from './ending/result-of.ts';
import { quoted } from './quoted.ts';
import { endOf, exitCodeOfRun } from './run-end.ts';

/** Runs the pipeline with somebody watching. @returns the exit code */
export async function executeRun(
  command: RunCommand,
  { method, input, runFolder }: PreparedRun,
  around: Surroundings,
  stops: Stops,
): Promise<number> {
  const { from, only, retryFailed, quiet, json, logFormat } = command;
  const isLog = !json && logFormat === 'json';
  const { stdout, stderr, cwd } = around;
  const view = chooseView(stdout, stderr, { quiet, json, logFormat });
  const begun = performance.now();
  const { state, handle } = trackRun(method.library ?? method.ending?.job);
  let executor: Executor | undefined;
  const onStop = (): void => {
    const by = stops.why === 'SIGINT' ? '' : ` (${stops.why})`;
    view.note(
      executor?.elsewhere === true
        ? `stopping${by}: workers finish what is queued; the same command takes what came of it`
        : `stopping${by}: running jobs save their state; Ctrl-C again stops at once and loses what is not saved`,
    );
  };
  stops.polite.addEventListener('abort', onStop);
  // Who reads events, or failures alone, is told of the others elsewhere.
  const note = (text: string, level?: 'warning') => {
    if (json) stderr.write(`${JSON.stringify({ type: 'note', text })}\n`);
    else if (quiet && !isLog) stderr.write(`${text}\n`);
    else view.note(text, level);
  };
  const listeners = await listenersOf({
    ...{ method, input, runFolder },
    note: (text) => note(text, 'warning'),
    hasResult: () => state.hasResult,
    signal: stops.now,
  });
  let outcome: RunOutcome | undefined;
  let refusal: unknown;
  let report: string | undefined;
  try {
    executor = await makeExecutor(method, input, runFolder, note);
    outcome = await run({
      stages: method.stages,
      input,
      name: input.loaded.name,
      about: await aboutRun(method.name, input.loaded.config),
      engine: input.engine,
      runFolder,
      from,
      only,
      retryFailed,
      retries: input.loaded.config.executor.retries,
      executor,
      subscribers: [handle, view.handle, ...listeners.map(({ handle }) => handle)],
      signal: AbortSignal.any([stops.polite, around.unheard]),
      killSignal: stops.now,
    });
    if (state.hasResult && !stops.now.aborted)
      report = await reportOf(runFolder, { method, didWork: state.done > 0 }, note);
  } catch (error) {
    refusal = error;
    throw error;
  } finally {
    // They may speak to servers: what they could not say in time is noted, the run has ended all the same.
    await closeListeners(listeners, endOf(outcome ?? refusal, begun, stops.exitCode));
    if (isLog && state.hasResult) view.note(`the result is in ${placeOfResult(method, runFolder)}`);
    view.close();
    stops.polite.removeEventListener('abort', onStop);
  }
  if (!json && !isLog) {
    // What lies there from a run with other settings must not pass for the result of this one.
    const result = state.hasResult ? await resultOf(method, { runFolder, report }, cwd) : undefined;
    const { columns, paint } = stdout;
    // Warnings are read where there is room for them; what has no result has nothing else to say.
    const brief = result && { command: `npm run pipeline -- status ${quoted(result.places.run)}`, columns };
    const stop = { why: stops.why, command: commandToGoOn(command) };
    const ending = renderOutcome(state, paint, stop, brief);
    if (!quiet || result !== undefined)
      stdout.write(`\n${renderEnding({ result, outcome: ending, commands: around.commands, columns })}\n`);
    if (quiet && outcome.left.length > 0) stderr.write(`${ending}\n`);
  }
  for (const trouble of outcome.troubles) {
    const line = json ? `${JSON.stringify({ type: 'error', ...trouble })}\n` : undefined;
    const text = `${trouble.subject}: ${trouble.found}\n`;
    stderr.write(line ?? (isLog ? logFailure(trouble) : text));
  }
  return exitCodeOfRun(outcome, stops.exitCode);
}

/** Where what a run is for lies. */
function placeOfResult({ library }: Pick<Method<Config>, 'library'>, runFolder: string): string {
  return library === undefined ? runFolder : join(runFolder, 'library');
}

/** Where the page lies. One that cannot be made is noted: it fails no run. */
async function reportOf(
  runFolder: string,
  of: { readonly method: Method<Config>; readonly didWork: boolean },
  note: (text: string, level?: 'warning') => void,
): Promise<string | undefined> {
  try {
    const { writeRunReport } = await import('./write-report.ts');
    return await writeRunReport(runFolder, of);
  } catch (error) {
    note(`no report.html: ${error instanceof Error ? error.message : String(error)}`, 'warning');
    return undefined;
  }
}
