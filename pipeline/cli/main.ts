import { readFileSync } from 'node:fs';
import { parseArguments } from './arguments.ts';
import { commands } from './commands.ts';
import { reportError } from '../terminal/report-error.ts';
import { terminalOf, type Surroundings } from '../terminal/terminal.ts';

/**
 * The command line. Parsing, help and errors live here and in what this file imports at the top; each command brings
 * its own code when it is asked for, so `--help` and `--plan` load no engine. Nothing else may end the process.
 */
const stdout = terminalOf(process.stdout, process.env);
const stderr = terminalOf(process.stderr, process.env);
const unheard = new AbortController();

// "blockforge show runs/x | head": the reader has left. Stop quietly, and let a run save its state.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    unheard.abort(new Error('nobody reads the output any more'));
  });
}

const surroundings: Surroundings = {
  stdout,
  stderr,
  cwd: process.cwd(),
  unheard: unheard.signal,
  commands: commands.map(({ name }) => name),
};

function packageVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}

async function main(argv: readonly string[]): Promise<number> {
  const json = argv.includes('--json');
  const onBug = (error: unknown): void => process.exit(reportError(error, stderr, json));
  process.on('uncaughtException', onBug);
  process.on('unhandledRejection', onBug);
  try {
    const parsed = parseArguments(argv, packageVersion(), process.stdout.columns);
    if ('perform' in parsed) return await parsed.perform(surroundings);
    stdout.write(`${parsed.text}\n`);
    return 0;
  } catch (error) {
    return reportError(error, stderr, json);
  }
}

// An engine keeps threads of its own alive, so the end has to be said; what was written is let out first.
const exitCode = await main(process.argv.slice(2));
process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
