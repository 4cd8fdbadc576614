import type { RunEnd } from '../../monitor/listener.ts';
import type { RunOutcome } from '../../runner/run.ts';
import { interruptedExitCode } from '../../terminal/report-error.ts';
import { exitCodeOf, type Failure } from '../../util/failure.ts';
import { failureOf } from '../../util/system-failure.ts';

/**
 * That of the command line.
 * @param stopCode where it was stopped with work left, `Stops.exitCode`
 */
export function exitCodeOfRun(
  { interrupted, failures, troubles }: RunOutcome,
  stopCode: number = interruptedExitCode,
): number {
  // One that lost its folder to another run did not stop because it was told to.
  const lost = troubles.some(({ reason }) => reason === 'run-locked');
  if (interrupted && !lost) return stopCode;
  const [failure] = [...failures.map((entry) => entry.failure), ...troubles];
  return failure === undefined ? 0 : exitCodeOf(failure.reason);
}

/**
 * How a run ended, for who listens.
 * @param ended the `RunOutcome`, or what refused the run
 * @param begun when the command was given, as `performance.now()`
 * @param stopCode where it was stopped with work left, `Stops.exitCode`
 */
export function endOf(ended: unknown, begun: number, stopCode?: number): RunEnd {
  const seconds = (performance.now() - begun) / 1000;
  if (isOutcome(ended)) {
    const exitCode = exitCodeOfRun(ended, stopCode);
    const outcome = ended.interrupted ? 'interrupted' : exitCode === 0 ? 'done' : 'failed';
    return { outcome, exitCode, seconds, troubles: ended.troubles };
  }
  const failure = failureOf(ended);
  const bug: Failure = { reason: 'job-failed', subject: 'BlockForge', found: `a bug: ${String(ended)}` };
  const exitCode = failure === undefined ? 1 : exitCodeOf(failure.reason);
  return { outcome: 'failed', exitCode, seconds, troubles: [failure ?? bug] };
}

function isOutcome(ended: unknown): ended is RunOutcome {
  return typeof ended === 'object' && ended !== null && 'failures' in ended && 'troubles' in ended;
}
