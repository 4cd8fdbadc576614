import { BlockForgeError, describeFailure, exitCodeOf } from '../util/failure.ts';
import { failureOf, systemFailure, type NamedPlace } from '../util/system-failure.ts';
import { logFailure, logLine } from './run-log.ts';
import type { Terminal } from './terminal.ts';

export const interruptedExitCode = 130;
const bugExitCode = 1;

/** `json`: one JSON object on one line. `log`: a line of the log that `--log-format json` asks for. */
export type ErrorFormat = 'text' | 'json' | 'log';

/** What a command line asks for, also one that is not understood. */
export function errorFormatOf(argv: readonly string[]): ErrorFormat {
  if (argv.includes('--json')) return 'json';
  const place = argv.findIndex((word) => /^--log-format(=|$)/.test(word));
  const [, value = argv[place + 1]] = argv[place]?.split('=') ?? [];
  return place >= 0 && value === 'json' ? 'log' : 'text';
}

/**
 * Prints why the program ends: an expected failure or what the system refused as its message, anything else as a bug
 * with its stack.
 * @param places what the command was told to use
 * @returns the exit code
 */
export function reportError(
  error: unknown,
  stderr: Terminal,
  format: ErrorFormat,
  places: readonly NamedPlace[] = [],
): number {
  const failure = failureOf(error, places);
  if (failure !== undefined) {
    const exitCode = exitCodeOf(failure.reason);
    const lines: Readonly<Record<ErrorFormat, () => string>> = {
      json: () => `${JSON.stringify({ type: 'error', exitCode, ...failure })}\n`,
      log: () => logFailure(failure, { exitCode }),
      text: () => `${stderr.paint.red('error')}: ${describeFailure(failure)}\n`,
    };
    stderr.write(lines[format]());
    return exitCode;
  }
  const stack = stackOf(error);
  const bug = { type: 'error', exitCode: bugExitCode, reason: 'bug', message: String(error), stack };
  if (format === 'json') stderr.write(`${JSON.stringify(bug)}\n`);
  else if (format === 'log') stderr.write(logLine('error', `a bug: ${bug.message}`, bug));
  else {
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
