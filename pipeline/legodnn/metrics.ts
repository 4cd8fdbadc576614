import { blockTokens, blockWidth } from '../model/architecture.ts';
import { fail } from '../util/failure.ts';
import type { Manifest, ManifestDescendant } from '../library/manifest.ts';
import { rankedDelta } from '../library/ranked-delta.ts';
import { libraryLatency, modelMs, type LatencyModel } from '../profile/latency.ts';

/**
 * A library as the four files that LegoDNN's `OptimalRuntime` reads (repository LINC-BIT/legodnn, `optimal_runtime.py`).
 * What it does with them decides what they hold:
 *
 * - Tables are joined with the block manager's lists of sparsities by position: block by block, sparsities ascending.
 *   The first row of a block is the teacher's own (sparsity 0, all drops 0), the last the sparsest, which is where
 *   the runtime starts.
 * - From the server's table it takes `test_accuracy_drop` (share of images, positive = worse; estimate = teacher - sum of drops),
 *   `model_size_drop` (bytes), `FLOPs_drop` and `param_drop`, all absolute. From the edge's table it takes
 *   `inference_time_rel_drop` alone: relative to the teacher's block, negative = slower. The other columns are 0.
 * - Latencies are seconds, FLOPs two per multiply-add for one image, sizes those of the weight files.
 */
export function legodnnFiles(manifest: Manifest, latencies: LegodnnLatencies): Record<string, string> {
  const { teacher, blocks } = manifest;
  const streamIn = (block: number) => [
    blockTokens(teacher.architecture, block),
    blockWidth(teacher.architecture, block),
  ];
  const own = blocks.map(({ descendants }) => descendants[0]!);
  return {
    'server-blocks-metrics.csv': table(blocks, (item, ownBlock) => [
      pythonFloat(item === ownBlock ? 0 : noNegativeZero(-rankedDelta(item).top1Pp.mean / 100)),
      '0.0',
      String(ownBlock.file.sizeBytes - item.file.sizeBytes),
      pythonFloat(2 * (ownBlock.macs - item.macs)),
      pythonFloat(ownBlock.params - item.params),
    ]),
    'edge-blocks-metrics.csv': table(blocks, (item, ownBlock, block) => [
      '0',
      pythonFloat(relativeDrop(item, ownBlock, block, latencies)),
      '0',
      '0',
      '0',
    ]),
    'server-teacher-model-metrics.yaml': lines(
      `FLOPs: ${pythonFloat(2 * teacher.macs)}`,
      'blocks_info:',
      ...own.flatMap(({ macs, params, file }, index) => [
        `- FLOPs: ${pythonFloat(2 * macs)}`,
        `  id: ${legodnnBlockId(index)}`,
        `  index: ${index}`,
        ...['input_size', 'output_size'].flatMap((name) => [
          `  ${name}:`,
          ...streamIn(index).map((extent) => `  - ${extent}`),
        ]),
        `  param: ${pythonFloat(params)}`,
        `  size: ${file.sizeBytes}`,
      ]),
      `model_size: ${own.reduce((sum, { file }) => sum + file.sizeBytes, manifest.frame.sizeBytes)}`,
      `param: ${pythonFloat(teacher.params)}`,
      `test_accuracy: ${pythonFloat(teacher.accuracy.top1Percent.mean / 100)}`,
    ),
    'edge-teacher-model-metrics.yaml': lines(
      'blocks_info:',
      ...own.flatMap(({ width: hidden }, index) => [
        `- id: ${legodnnBlockId(index)}`,
        `  index: ${index}`,
        `  latency: ${pythonFloat(latencies.blockSeconds(hidden, index))}`,
      ]),
      `latency: ${pythonFloat(latencies.modelSeconds)}`,
    ),
  };
}

/** Keys in the order of PyYAML's `dump`, for whoever compares two files. */
const lines = (...list: string[]): string => `${list.join('\n')}\n`;

/** LegoDNN's own block ids, from which it makes the names of block files: `block-3-5.pt`. */
export function legodnnBlockId(index: number): string {
  return `block-${index}`;
}

/** Without the noise of `1 - 0.2`: the digits become part of a file name there. */
export function legodnnSparsity(sparsity: number): number {
  return Math.round(sparsity * 1e6) / 1e6;
}

const columns =
  'block_index,block_sparsity,test_accuracy_drop,inference_time_rel_drop,model_size_drop,FLOPs_drop,param_drop';

function table(
  blocks: Manifest['blocks'],
  cells: (item: ManifestDescendant, own: ManifestDescendant, block: number) => string[],
): string {
  const rows = blocks.flatMap(({ index, descendants }) =>
    descendants.map((item) =>
      [
        String(index),
        pythonFloat(legodnnSparsity(item.sparsity)),
        ...cells(item, descendants[0]!, index),
      ].join(','),
    ),
  );
  return lines(columns, ...rows);
}

/** @throws BlockForgeError `library-invalid` where the teacher's block takes no time: nothing is relative to that */
function relativeDrop(
  item: ManifestDescendant,
  own: ManifestDescendant,
  block: number,
  { blockSeconds, source }: LegodnnLatencies,
): number {
  const [ownSeconds, seconds] = [blockSeconds(own.width, block), blockSeconds(item.width, block)];
  if (!(ownSeconds > 0) || !(seconds > 0)) {
    fail({
      reason: 'library-invalid',
      subject: `latency of ${ownSeconds > 0 ? item.id : own.id}`,
      found: `${ownSeconds > 0 ? seconds : ownSeconds} s (${source})`,
      expected: 'more than 0: LegoDNN divides by it',
      next: 'measure a device profile and give it with --profile',
    });
  }
  return (ownSeconds - seconds) / ownSeconds;
}

const noNegativeZero = (value: number): number => (value === 0 ? 0 : value);

/** Times for one batch, in seconds as LegoDNN's files have them. */
export interface LegodnnLatencies {
  readonly modelSeconds: number;
  readonly blockSeconds: (width: number, block: number) => number;
  readonly source: string;
}

/**
 * From a device profile: the sum of a composition's blocks and the frame is what it predicts. From the manifest without
 * one, which has no latency of the frame: the whole teacher is taken to be as much slower than its blocks as it has more
 * multiply-adds. That is an estimate; a profile measures it.
 */
export function legodnnLatencies(manifest: Manifest, profile: LatencyModel | undefined): LegodnnLatencies {
  const { blocks, teacher, latencyProfile } = manifest;
  const own = blocks.map(({ descendants }) => descendants[0]!);
  const widths = own.map(({ width }) => width);
  const latency = profile ?? libraryLatency(manifest);
  const blockSeconds = (width: number, block: number) => latency.blockMs(width, block) / 1e3;
  if (profile !== undefined)
    return { modelSeconds: modelMs(profile, widths) / 1e3, blockSeconds, source: profile.describe };
  const blockShare = own.reduce((sum, { macs }) => sum + macs, 0) / teacher.macs;
  const { cpuModel, engine, threads, batchSize } = latencyProfile;
  return {
    modelSeconds: modelMs(latency, widths) / blockShare / 1e3,
    blockSeconds,
    source:
      `the library's own block latencies (${engine}, threads: ${threads}, on ${cpuModel}, batch ${batchSize}); ` +
      "the whole model's is estimated from them by multiply-adds",
  };
}

/**
 * A float as Python prints it, which PyYAML (YAML 1.1) takes for a number: "0.25", "2.0", "1.5e-07". JavaScript's
 * "2" would come back as an integer, and its "1e-7" as a string.
 */
export function pythonFloat(value: number): string {
  if (!Number.isFinite(value)) throw new Error(`not a finite number: ${value}`);
  if (Object.is(value, -0)) return '-0.0';
  const scientific = value.toExponential();
  const mark = scientific.indexOf('e');
  const mantissa = scientific.slice(0, mark);
  const exponent = Number(scientific.slice(mark + 1));
  if (value !== 0 && (exponent < -4 || exponent >= 16)) {
    const digits = String(Math.abs(exponent)).padStart(2, '0');
    return `${mantissa.includes('.') ? mantissa : `${mantissa}.0`}e${exponent < 0 ? '-' : '+'}${digits}`;
  }
  // JavaScript writes 1e-6 up to 1e21 without an exponent.
  const plain = String(value);
  return plain.includes('.') ? plain : `${plain}.0`;
}
