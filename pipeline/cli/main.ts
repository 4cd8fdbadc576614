import { readFileSync } from 'node:fs';
import { blockforge } from './blockforge.ts';
import { commands } from './commands.ts';
import { refuseForgottenDashes, whereTheUserIs } from './npm.ts';
import { errorFormatOf, outputFailure, reportError } from '../terminal/report-error.ts';
import { terminalOf, type Surroundings } from '../terminal/terminal.ts';

/**
 * The program: its streams and its end. Parsing, help and errors live in what this file imports; each command brings
 * its own code when it is asked for, so `--help` and `--plan` load no engine. Nothing else may end the process.
 */
const stdout = terminalOf(process.stdout, process.env);
const stderr = terminalOf(process.stderr, process.env);
const argv = process.argv.slice(2);
const format = errorFormatOf(argv);
const unheard = new AbortController();
let unwritten: unknown;

// "blockforge show runs/x | head": the reader has left. Stop quietly, and let a run save its state. A disk that is full
// stops a run the same way, and is told at the end.
const onUnwritten = (error: NodeJS.ErrnoException | null | undefined): void => {
  if (!error) return;
  if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_DESTROYED') unwritten ??= error;
  unheard.abort(new Error('nobody reads the output any more'));
};
for (const stream of [process.stdout, process.stderr]) stream.on('error', onUnwritten);
// A file that may not grow (ulimit -f) is an error of the write that tells it, not the end of the process.
if (process.platform !== 'win32') process.on('SIGXFSZ', () => undefined);
const onBug = (error: unknown): void => process.exit(reportError(error, stderr, format));
process.on('uncaughtException', onBug);
process.on('unhandledRejection', onBug);

async function main(): Promise<number> {
  const cwd = whereTheUserIs(process.env, process.cwd());
  try {
    // Everything that resolves a path without being told against what.
    process.chdir(cwd);
    refuseForgottenDashes(process.env, argv);
  } catch (error) {
    return reportError(error, stderr, format);
  }
  const surroundings: Surroundings = {
    stdout,
    stderr,
    cwd,
    unheard: unheard.signal,
    commands: commands.map(({ name }) => name),
  };
  return blockforge(argv, surroundings, packageVersion(), process.stdout.columns);
}

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

// An engine keeps threads of its own alive, so the end has to be said; what was written is let out first.
const exitCode = await main();
process.stdout.write('', (error) => {
  onUnwritten(error);
  process.stderr.write('', () =>
    process.exit(unwritten === undefined ? exitCode : reportError(outputFailure(unwritten), stderr, format)),
  );
});
