import { readFileSync } from 'node:fs';
import { parseArguments } from './arguments.ts';
import type { Command } from './arguments.ts';
import { reportError } from './report-error.ts';
import { terminalOf } from './terminal.ts';

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

const surroundings = { stdout, stderr, cwd: process.cwd(), unheard: unheard.signal };

async function perform(command: Command): Promise<number> {
  switch (command.name) {
    case 'text':
      stdout.write(`${command.text}\n`);
      return 0;
    case 'run': {
      const { runPipeline } = await import('./run/command.ts');
      return runPipeline(command, surroundings);
    }
    case 'show': {
      const { readLibrarySummary } = await import('./show/read.ts');
      const { renderSummary } = await import('./show/render.ts');
      const summary = await readLibrarySummary(command.library);
      stdout.write(
        command.json ? `${JSON.stringify(summary, null, 2)}\n` : `${renderSummary(summary, stdout.paint)}\n`,
      );
      return 0;
    }
    case 'doctor': {
      const { examine, renderReport } = await import('./doctor.ts');
      const report = await examine();
      stdout.write(`${command.json ? JSON.stringify(report, null, 2) : renderReport(report)}\n`);
      return 0;
    }
    case 'compose': {
      const { runCompose } = await import('./compose/command.ts');
      return runCompose(command, surroundings);
    }
    case 'verify': {
      const { runVerify } = await import('./verify/command.ts');
      return runVerify(command, surroundings);
    }
    case 'profile': {
      const { runProfile } = await import('./profile/command.ts');
      return runProfile(command, surroundings);
    }
    case 'legodnn': {
      const { exportLegodnn } = await import('./legodnn/command.ts');
      stdout.write(`${await exportLegodnn(command)}\n`);
      return 0;
    }
  }
}

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
    return await perform(parseArguments(argv, packageVersion(), process.stdout.columns));
  } catch (error) {
    return reportError(error, stderr, json);
  }
}

// An engine keeps threads of its own alive, so the end has to be said; what was written is let out first.
const exitCode = await main(process.argv.slice(2));
process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
