import { splitImages } from '../../datasets/split-sources.ts';
import { hiddenUnits } from '../../pipeline/model/architecture.ts';
import { modelCosts } from '../../pipeline/model/costs.ts';
import { heldOutImages, sampledTokens } from '../../pipeline/recipe/calibration.ts';
import type { JobPlan } from '../../pipeline/runner/contract.ts';
import type { BlocksInput } from '../../pipeline/stages/blocks/schema.ts';
import {
  descents,
  shardsOf,
  stepsOfShard,
  streamBytes,
  streamedImages,
} from '../../pipeline/stages/blocks/shape.ts';
import { splitsJob, teacherJob } from '../../pipeline/stages/common/artefacts.ts';

/** What a job moves, in bytes. */
export interface JobBytes {
  /** By what it is: a machine that has read it once has it in its cache. */
  readonly reads: ReadonlyMap<string, number>;
  /** Read anew whatever was read before: streams change with every block. */
  readonly readsAnew: number;
  readonly writes: number;
  /** Of `writes`, what stays. */
  readonly kept: number;
  /** On disk while it runs. */
  readonly streams: number;
}

/** Of a JPEG of ImageNet, on average. */
const imageBytes = 110e3;

/** Sizes of the large files of the method `blocks`; small ones (JSON) count nothing. */
export function fileBytes(input: BlocksInput): (job: string, file: string) => number {
  const { architecture } = input;
  const { config } = input.loaded;
  const { width, hidden } = architecture;
  const shards = shardsOf(config, architecture);
  const { calibration } = splitImages(config.data.splits);
  const perImage = sampledTokens(config.statistics, architecture, 0);
  const heldOut = heldOutImages(config.statistics, calibration);
  const steps = descents(config, hiddenUnits(architecture));
  const row = perImage * width * 4;
  return (job, file) => {
    if (job === teacherJob) return file === 'teacher.safetensors' ? modelCosts(architecture).params * 4 : 0;
    if (job.startsWith('statistics/')) {
      if (file.endsWith('.heldout.f32')) return (heldOut * row) / shards.statistics;
      return file.endsWith('.safetensors') ? hidden * hidden * 8 : 0;
    }
    if (!/^(refit|distill)\/shard-\d+$/.test(job) || !file.endsWith('.safetensors')) return 0;
    const made = stepsOfShard(steps, Number(job.split('-')[1]), shards.descendants);
    return made.reduce((sum, step) => sum + step.width, 0) * width * 8;
  };
}

/** Bytes that a job of the plan reads and writes, with images and streams. */
export function bytesOf(input: BlocksInput): (job: JobPlan) => JobBytes {
  const { config } = input.loaded;
  const sizeOf = fileBytes(input);
  const images = splitImages(config.data.splits);
  return (job) => {
    const [stage] = job.id.split('/');
    const reads = new Map<string, number>();
    for (const [of, names] of Object.entries(job.reads ?? {})) {
      for (const name of names) reads.set(`${of}/${name}`, sizeOf(of, name));
    }
    const { shard = 0, shards = 1 } = job.settings as { shard?: number; shards?: number };
    const told = job.handling === undefined ? [] : (job.reads?.[splitsJob] ?? []);
    for (const split of ['calibration', 'selection', 'test'] as const) {
      if (stage !== 'data' && !told.includes(`${split}.json`)) continue;
      reads.set(
        `images/${split}/${shards === 1 ? 0 : shard}/${shards}`,
        (images[split] / shards) * imageBytes,
      );
    }
    const streams = stage === 'refit' ? keptStreams(input, job.settings as { steps: readonly unknown[] }) : 0;
    // Read and written once for every block but the first.
    const moved = (input.architecture.depth - 1) * streams;
    const kept = outputBytes(job, input, sizeOf);
    return { reads, readsAnew: moved, writes: kept + moved, kept, streams };
  };
}

/** Of a job of the refit. */
function keptStreams(
  { architecture, loaded: { config } }: BlocksInput,
  { steps }: { readonly steps: readonly unknown[] },
): number {
  const streams = streamedImages(config) * (1 + steps.length) * streamBytes(architecture);
  return Math.min(streams, config.inputs.diskGB * 1e9);
}

/** Of what a job publishes: by the files' own formulas where there are, else as the plan guesses. */
function outputBytes(job: JobPlan, input: BlocksInput, sizeOf: ReturnType<typeof fileBytes>): number {
  const [stage] = job.id.split('/');
  const { depth } = input.architecture;
  if (stage === 'refit' || stage === 'distill') return depth * sizeOf(job.id, '.safetensors');
  if (job.id === teacherJob) return sizeOf(job.id, 'teacher.safetensors');
  if (!job.id.startsWith('statistics/shard')) return job.estimate.diskBytes;
  return depth * ['.safetensors', '.heldout.f32'].reduce((sum, end) => sum + sizeOf(job.id, end), 0);
}
