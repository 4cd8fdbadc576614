import { BlockForgeError, describeFailure, exitCodeOf } from '../util/failure.ts';
import { failureOf, systemFailure, type NamedPlace } from '../util/system-failure.ts';
import type { Terminal } from './terminal.ts';

export const interruptedExitCode = 130;
const bugExitCode = 1;

/**
 * Prints why the program ends: an expected failure or what the system refused as its message, anything else as a bug
 * with its stack. With `json`, one JSON object on one line.
 * @param places what the command was told to use
 * @returns the exit code
 */
export function reportError(
  error: unknown,
  stderr: Terminal,
  json: boolean,
  places: readonly NamedPlace[] = [],
): number {
  const failure = failureOf(error, places);
  if (failure !== undefined) {
    const exitCode = exitCodeOf(failure.reason);
    const line = json
      ? JSON.stringify({ type: 'error', exitCode, ...failure })
      : `${stderr.paint.red('error')}: ${describeFailure(failure)}`;
    stderr.write(`${line}\n`);
    return exitCode;
  }
  const stack = stackOf(error);
  if (json) {
    const bug = { type: 'error', exitCode: bugExitCode, reason: 'bug', message: String(error), stack };
    stderr.write(`${JSON.stringify(bug)}\n`);
  } else {
    stderr.write(
      `${stack}\n\n${stderr.paint.red('This is a bug in BlockForge.')} ` +
        'Please report it with the command, the lines above and what "blockforge doctor" prints.\n',
    );
  }
  return bugExitCode;
}

/** What became of the output, as the failure to report. */
export function outputFailure(error: unknown): unknown {
  const failure = systemFailure(error, [{ option: '> FILE', path: 'the output' }]);
  return failure === undefined ? error : new BlockForgeError(failure);
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? String(error);
  const inner = error instanceof AggregateError ? (error.errors as unknown[]) : [];
  const causes = error.cause === undefined ? inner : [...inner, error.cause];
  return [own, ...causes.map((cause) => `caused by: ${stackOf(cause)}`)].join('\n');
}
