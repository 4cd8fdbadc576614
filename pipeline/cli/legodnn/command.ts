import { originFile, writeLegodnn, type LegodnnResult } from '../../legodnn/write.ts';
import { openLibrary } from '../../library/open.ts';

export interface LegodnnCommand {
  readonly name: 'legodnn';
  readonly library: string;
  readonly out: string;
  readonly profile?: string;
  readonly batch?: number;
  readonly json: boolean;
}

/** `legodnn LIBRARY --out DIR`: the metric files of LegoDNN's optimiser. -> what to print, without a line break at its end */
export async function exportLegodnn({
  library: path,
  out,
  profile,
  batch,
  json,
}: LegodnnCommand): Promise<string> {
  const library = await openLibrary(path);
  const result = await writeLegodnn(library, out, {
    ...(profile !== undefined && { profile }),
    ...(batch !== undefined && { batchSize: batch }),
  });
  return json ? JSON.stringify(result, null, 2) : renderLegodnn(result);
}

function renderLegodnn({ folder, files, blocks, rows, latencies }: LegodnnResult): string {
  return [
    `LegoDNN's metrics for ${blocks} blocks, ${rows} descendants, in ${folder}:`,
    ...files.map((name) => `  ${name}`),
    `Latencies: ${latencies}`,
    `Rows belong to descendants by position alone: ${originFile} lists them, with the block manager's lists.`,
    'Block files (.pt) are not written: they are Python pickles of PyTorch modules.',
  ].join('\n');
}
