import type { Surroundings } from '../../terminal/terminal.ts';
import type { ShowCommand } from './arguments.ts';
import { readLibrarySummary } from './read.ts';
import { renderSummary } from './render.ts';

/** Prints the table of a library. Loads no engine. @returns the exit code */
export async function runShow({ library, json }: ShowCommand, { stdout }: Surroundings): Promise<number> {
  const summary = await readLibrarySummary(library);
  stdout.write(`${json ? JSON.stringify(summary, null, 2) : renderSummary(summary, stdout.paint)}\n`);
  return 0;
}
