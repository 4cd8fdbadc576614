import { makePlan } from '../../runner/plan.ts';
import { fileNameOf } from '../../runner/job-file-name.ts';
import { runOne } from '../../runner/run-one.ts';
import { methods as allMethods } from '../../stages/methods.ts';
import { renderLines } from '../../terminal/run-lines.ts';
import { logFailure, renderLog } from '../../terminal/run-log.ts';
import { renderJson } from '../../terminal/run-view.ts';
import { watchStops } from '../../terminal/stops.ts';
import type { Surroundings } from '../../terminal/terminal.ts';
import { describeFailure, exitCodeOf } from '../../util/failure.ts';
import { makeLocalExecutor } from '../run/make-executor.ts';
import { prepareRun } from '../run/prepare.ts';
import { stoppedEarly } from '../run/stopped-early.ts';
import type { RunJobCommand } from './arguments.ts';
import { chooseJob } from './choose-job.ts';

/** Does one job of a run here, whatever the config says of executors. @returns the exit code */
export async function runRunJob(
  command: RunJobCommand,
  around: Surroundings,
  methods = allMethods,
): Promise<number> {
  const { stdout, stderr, unheard } = around;
  const { json } = command;
  const isLog = !json && command.logFormat === 'json';
  const stops = watchStops({ after: command.stopAfter });
  try {
    const overrides = [...command.overrides, 'executor.type=local', 'executor.slots=1'];
    const prepared = await stops.before(prepareRun({ ...command, overrides }, around, methods));
    if (prepared === undefined) {
      stderr.write(stoppedEarly(stops.why, 'the same command goes on', command));
      return stops.exitCode;
    }
    const { method, input, runFolder } = prepared;
    const { engine } = input;
    const { retries } = input.loaded.config.executor;
    const job = chooseJob(makePlan(method.stages, input, engine), command.job);
    const view = json ? renderJson(stdout) : isLog ? renderLog(stdout) : renderLines(stdout);
    stops.polite.addEventListener('abort', () => view.note(`${job}: saving its state and stopping`));
    const outcome = await runOne({
      ...{ stages: method.stages, input, engine, runFolder, job, retries },
      executor: makeLocalExecutor(method, input, runFolder, { logName: () => fileNameOf(job) }),
      subscribers: [view.handle],
      signal: AbortSignal.any([stops.polite, unheard]),
      killSignal: stops.now,
      onWait: (who) => view.note(`${job}: waiting, it is being done by ${who}`),
    }).finally(() => view.close());
    for (const trouble of outcome.troubles) {
      const line = json ? `${JSON.stringify({ type: 'error', ...trouble })}\n` : undefined;
      const text = `${trouble.subject}: ${trouble.found}\n`;
      stderr.write(line ?? (isLog ? logFailure(trouble) : text));
    }
    // Not stopped from here: another process has taken the job.
    const [trouble] = outcome.troubles;
    const isTaken = stops.why === undefined && trouble?.reason === 'run-locked';
    if (outcome.end === 'interrupted') return isTaken ? exitCodeOf(trouble.reason) : stops.exitCode;
    if (outcome.failure === undefined) return 0;
    // As JSON the events have told it.
    if (!json && !isLog) stderr.write(`${describeFailure(outcome.failure)}\n`);
    return exitCodeOf(outcome.failure.reason);
  } finally {
    stops.dispose();
  }
}
