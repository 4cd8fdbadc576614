import { writeLegodnn } from '../../legodnn/write.ts';
import { openLibrary } from '../../library/open.ts';
import type { Surroundings } from '../../terminal/terminal.ts';
import type { LegodnnCommand } from './arguments.ts';
import { renderLegodnn } from './render.ts';

/** Writes the metric files of LegoDNN's optimiser. @returns the exit code */
export async function runLegodnn(
  { library, out, profile, batch, json }: LegodnnCommand,
  { stdout }: Surroundings,
): Promise<number> {
  const result = await writeLegodnn(await openLibrary(library), out, { profile, batchSize: batch });
  stdout.write(`${json ? JSON.stringify(result, null, 2) : renderLegodnn(result)}\n`);
  return 0;
}
