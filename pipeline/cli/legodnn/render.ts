import { originFile, type LegodnnResult } from '../../legodnn/write.ts';

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
