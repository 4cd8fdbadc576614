import { originFile, writeLegodnn, type LegodnnResult } from '../../legodnn/write.ts';
import { openLibrary } from '../../library/open.ts';
import type { Surroundings } from '../../terminal/terminal.ts';
import type { LegodnnCommand } from './arguments.ts';

/** Writes the metric files of LegoDNN's optimiser. @returns the exit code */
export async function runLegodnn(
  { library, out, profile, batch, json }: LegodnnCommand,
  { stdout }: Surroundings,
): Promise<number> {
  const result = await writeLegodnn(await openLibrary(library), out, { profile, batchSize: batch });
  stdout.write(`${json ? JSON.stringify(result, null, 2) : renderLegodnn(result)}\n`);
  return 0;
}

/** What was written, without a line break at its end. */
export function renderLegodnn({ folder, files, blocks, rows, latencies }: LegodnnResult): string {
  return [
    `LegoDNN's metrics for ${blocks} blocks, ${rows} descendants, in ${folder}:`,
    ...files.map((name) => `  ${name}`),
    `Latencies: ${latencies}`,
    `Rows belong to descendants by position alone: ${originFile} lists them, with the block manager's lists.`,
    'Block files (.pt) are not written: they are Python pickles of PyTorch modules.',
  ].join('\n');
}
