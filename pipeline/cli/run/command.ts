import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadConfig } from '../../config/load.ts';
import { nearest } from '../../config/nearest.ts';
import type { Config } from '../../config/schema.ts';
import { displayPath } from '../../config/problem.ts';
import type { DownloadProgress } from '../../hub/download.ts';
import { describeOrder } from '../../stages/common/classes.ts';
import type { PlanInput } from '../../stages/common/plan-input.ts';
import type { Method } from '../../stages/common/method.ts';
import { methodOf, methods as allMethods } from '../../stages/methods.ts';
import { watchInterrupts } from '../../terminal/interrupts.ts';
import { BlockForgeError, exitCodeOf, fail } from '../../util/failure.ts';
import { formatBytes } from '../../util/format.ts';
import type { RunCommand } from './arguments.ts';
import { interruptedExitCode } from '../../terminal/report-error.ts';
import { renderLines } from '../../terminal/run-lines.ts';
import { renderOutcome } from '../../terminal/run-outcome.ts';
import { renderPlan } from './plan.ts';
import { renderTty } from '../../terminal/run-tty.ts';
import { renderJson, renderQuiet, type RunView } from '../../terminal/run-view.ts';
import type { Surroundings, Terminal } from '../../terminal/terminal.ts';
import { trackRun } from '../../terminal/track-run.ts';

/** Plans or runs the pipeline. @returns the exit code */
export async function runPipeline(
  command: RunCommand,
  around: Surroundings,
  methods = allMethods,
): Promise<number> {
  const { config, overrides, plan, from, only } = command;
  refuseMistypedCommand(config, around, methods);
  const loaded = loadConfig(config, methods, { overrides, cwd: around.cwd });
  // Late, so that a mistake in the config is told at once.
  const { preparePlanInput } = await import('../../stages/common/plan-input.ts');
  const method = methodOf(loaded.config, methods);
  const hub = {
    onProgress: downloadLines(around.stderr),
    onNote: (note: string) => around.stderr.write(`${note}\n`),
  };
  const others = method.others?.(loaded.config) ?? [];
  const input = await preparePlanInput(loaded, loaded.config.engine, hub, others);
  const runFolder = resolve(around.cwd, command.runs, loaded.name);
  if (!plan) return execute(command, method, input, runFolder, around);

  const { engine } = input;
  const [{ previewRun }, { engineSlots }] = await Promise.all([
    import('../../runner/run.ts'),
    import('../../tensor/installed.ts'),
  ]);
  const rows = await previewRun({
    stages: method.stages,
    input,
    engine,
    runFolder,
    from,
    only,
  });
  const slots = engineSlots(engine).count;
  const facts = {
    run: loaded.name,
    folder: displayPath(runFolder, around.cwd),
    engine,
    slots,
    data: [
      ...(input.inputs.dataAccount ?? []),
      ...describeOrder(input.inputs.classes),
      ...(method.notes?.(input) ?? []),
    ],
    warnings: input.warnings,
  };
  const text = command.json
    ? JSON.stringify({ ...facts, folder: runFolder, jobs: rows })
    : renderPlan(rows, facts, around.stdout.paint);
  around.stdout.write(`${text}\n`);
  if (!command.json) for (const line of input.warnings ?? []) around.stderr.write(`warning: ${line}\n`);
  return 0;
}

/** A line every few seconds while an `hf:` checkpoint comes in; Ctrl-C keeps what is there. */
function downloadLines(stderr: Terminal): (progress: DownloadProgress) => void {
  let next = 0;
  return ({ file, doneBytes, totalBytes }) => {
    if (Date.now() < next) return;
    next = Date.now() + 3000;
    const total = totalBytes === undefined ? '' : ` of ${formatBytes(totalBytes)}`;
    stderr.write(`downloading ${file}: ${formatBytes(doneBytes)}${total}\n`);
  };
}

async function execute(
  { from, only, quiet, json }: RunCommand,
  method: Method<Config>,
  input: PlanInput,
  runFolder: string,
  around: Surroundings,
): Promise<number> {
  const [{ run }, { localExecutor }, { engineSlots }, { precisionEnvironment }] = await Promise.all([
    import('../../runner/run.ts'),
    import('../../runner/local/executor.ts'),
    import('../../tensor/installed.ts'),
    import('../../precision/resolve-precision.ts'),
  ]);
  const { stdout, stderr, cwd } = around;
  const { count, environment } = engineSlots(input.engine);
  const view = chooseView(stdout, stderr, { quiet, json });
  const { state, handle } = trackRun(method.library ?? method.ending?.job);
  const interrupts = watchInterrupts();
  interrupts.polite.addEventListener('abort', () => {
    view.note(
      'stopping: running jobs save their state; Ctrl-C again stops at once and loses what is not saved',
    );
  });
  let outcome;
  try {
    outcome = await run({
      stages: method.stages,
      input,
      name: input.loaded.name,
      engine: input.engine,
      runFolder,
      from,
      only,
      executor: localExecutor({
        registry: method.registry,
        runFolder,
        slots: count,
        environment: (slot) => ({
          ...environment[slot],
          ...precisionEnvironment(input.loaded.config.precision),
        }),
      }),
      subscribers: [handle, view.handle],
      signal: AbortSignal.any([interrupts.polite, around.unheard]),
      killSignal: interrupts.now,
    });
  } finally {
    view.close();
    interrupts.dispose();
  }
  if (!json) {
    // What lies there from a run with other settings must not pass for the result of this one.
    const table = state.hasResult ? await resultTable(method, runFolder, cwd, stdout) : undefined;
    const ending = renderOutcome(state, stdout.paint);
    if (table !== undefined) stdout.write(`\n${table}\n`);
    if (!quiet) stdout.write(`\n${ending}\n`);
  }
  for (const trouble of outcome.troubles) {
    stderr.write(
      json ? `${JSON.stringify({ type: 'error', ...trouble })}\n` : `${trouble.subject}: ${trouble.found}\n`,
    );
  }
  if (outcome.interrupted) return interruptedExitCode;
  const [failure] = [...outcome.failures.map((entry) => entry.failure), ...outcome.troubles];
  return failure === undefined ? 0 : exitCodeOf(failure.reason);
}

function chooseView(
  stdout: Terminal,
  stderr: Terminal,
  { quiet, json }: Pick<RunCommand, 'quiet' | 'json'>,
): RunView {
  if (json) return renderJson(stdout);
  if (quiet) return renderQuiet(stderr);
  return stdout.isLive ? renderTty(stdout, process.stdout) : renderLines(stdout);
}

/** What the run has come to, by the method's own table where it makes no library. */
async function resultTable(
  { ending }: Pick<Method<Config>, 'ending'>,
  runFolder: string,
  cwd: string,
  stdout: Terminal,
): Promise<string | undefined> {
  if (ending === undefined) return libraryTable(runFolder, cwd, stdout);
  const found = await ending.read(runFolder);
  return found && `${found.text}\nIn: ${displayPath(runFolder, cwd)}`;
}

/** The final table and where its library lies. */
async function libraryTable(
  runFolder: string,
  cwd: string,
  { paint }: Terminal,
): Promise<string | undefined> {
  const folder = join(runFolder, 'library');
  const { readLibrarySummary } = await import('../show/read.ts');
  const { renderSummary } = await import('../show/command.ts');
  try {
    const table = renderSummary(await readLibrarySummary(folder), paint);
    return `${table}\n\nLibrary: ${displayPath(folder, cwd)}`;
  } catch (error) {
    if (!(error instanceof BlockForgeError)) throw error;
    return `Library: ${error.message}`;
  }
}

/** `blockforge doctr` reads as a config called "doctr"; say what was meant instead of searching for it. */
function refuseMistypedCommand(
  config: string,
  { cwd, commands }: Surroundings,
  methods: readonly Method<Config>[],
): void {
  if (/[./\\]/.test(config) || existsSync(resolve(cwd, config))) return;
  const near = nearest(config, commands);
  if (near === undefined) return;
  try {
    loadConfig(config, methods, { cwd });
  } catch (error) {
    if (!(error instanceof BlockForgeError) || error.failure.reason !== 'file-missing') return;
    fail({
      reason: 'usage',
      subject: config,
      found: 'neither a command nor a config',
      next: `did you mean the command "${near}"?`,
    });
  }
}
