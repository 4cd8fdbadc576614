import { BlockForgeError, exitCodeOf } from '../util/failure.ts';
import type { Terminal } from './terminal.ts';

export const interruptedExitCode = 130;
const bugExitCode = 1;

/**
 * Prints why the program ends: an expected failure as its message, anything else as a bug with its stack. With
 * `json`, one JSON object on one line.
 * @returns the exit code
 */
export function reportError(error: unknown, stderr: Terminal, json: boolean): number {
  if (error instanceof BlockForgeError) {
    const { failure, message } = error;
    const exitCode = exitCodeOf(failure.reason);
    const line = json
      ? JSON.stringify({ type: 'error', exitCode, ...failure })
      : `${stderr.paint.red('error')}: ${message}`;
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

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const own = error.stack ?? String(error);
  const inner = error instanceof AggregateError ? (error.errors as unknown[]) : [];
  const causes = error.cause === undefined ? inner : [...inner, error.cause];
  return [own, ...causes.map((cause) => `caused by: ${stackOf(cause)}`)].join('\n');
}
