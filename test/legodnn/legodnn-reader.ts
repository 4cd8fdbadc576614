import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';

/**
 * The arithmetic of LegoDNN's `OptimalRuntime` on its metric files, as its source describes it: rows belong to blocks by
 * their number alone, columns are taken by their place, headers are passed over.
 */
export interface LegodnnEstimates {
  readonly accuracy: number;
  readonly latencySeconds: number;
  readonly sizeBytes: number;
  readonly flops: number;
}

interface ServerModel {
  readonly test_accuracy: number;
  readonly model_size: number;
  readonly FLOPs: number;
  readonly param: number;
  readonly blocks_info: readonly {
    readonly size: number;
    readonly input_size: number[];
    readonly id: string;
  }[];
}

interface EdgeModel {
  readonly latency: number;
  readonly blocks_info: readonly { readonly latency: number }[];
}

/** @param sparsities the block manager's lists: the only thing that says which row is whose */
export function readLegodnn(folder: string, sparsities: readonly (readonly number[])[]) {
  const text = (name: string) => readFileSync(join(folder, name), 'utf8');
  const table = (name: string) =>
    text(name)
      .trimEnd()
      .split('\n')
      .slice(1)
      .map((line) => line.split(',').map(Number));
  const server = table('server-blocks-metrics.csv');
  const edge = table('edge-blocks-metrics.csv');
  const serverModel = parse(text('server-teacher-model-metrics.yaml'), { version: '1.1' }) as ServerModel;
  const edgeModel = parse(text('edge-teacher-model-metrics.yaml'), { version: '1.1' }) as EdgeModel;
  const starts = sparsities.map((_, block) =>
    sparsities.slice(0, block).reduce((sum, list) => sum + list.length, 0),
  );
  const rows = (choice: readonly number[]) => choice.map((level, block) => starts[block]! + level);
  const column = (data: readonly (readonly number[])[], place: number, choice: readonly number[]) =>
    rows(choice).reduce((sum, row) => sum + data[row]![place]!, 0);

  /** @param choice level of each block, 0 the teacher's @param loaded what the device times its blocks with, first the sparsest */
  const estimate = (
    choice: readonly number[],
    loaded: readonly number[],
    timed: (block: number) => number,
  ): LegodnnEstimates => {
    const originals = rows(loaded).map((row, block) => timed(block) / (1 - edge[row]![3]!));
    const ratios = rows(loaded).map(
      (row, block) => (edgeModel.blocks_info[block]!.latency * (1 - edge[row]![3]!)) / timed(block),
    );
    const ratio = ratios.reduce((sum, value) => sum + value, 0) / ratios.length;
    const timeDrop = rows(choice).reduce((sum, row, block) => sum + originals[block]! * edge[row]![3]!, 0);
    return {
      accuracy: serverModel.test_accuracy - column(server, 2, choice),
      latencySeconds: edgeModel.latency / ratio - timeDrop,
      sizeBytes: serverModel.model_size - column(server, 4, choice),
      flops: serverModel.FLOPs - column(server, 5, choice),
    };
  };
  return { server, edge, serverModel, edgeModel, estimate };
}
