import { open, readFile } from 'node:fs/promises';
import type { JobContext } from '../../../runner/contract.ts';
import { needs, type BlockEvidence } from '../../../compress/order/criterion.ts';
import { tokenWeights, type TokenWeights } from '../../../compress/token-weights.ts';
import { readFfns, writeFfns } from '../../../model/ffn-file.ts';
import { type FfnWeights, ffnNames } from '../../../model/ffn-weights.ts';
import { blockName, prefixTokens, type Architecture } from '../../../model/architecture.ts';
import { hostFfn, type HostWeights } from '../../../model/host-weights.ts';
import { withSafetensors } from '../../../model/safetensors.ts';
import { sampledTokens, type Calibration } from '../../../recipe/calibration.ts';
import { mergeEvidence } from '../../../recipe/evidence.ts';
import { readJson } from '../../../util/atomic.ts';
import { commonFiles, indices, teacherJob } from '../../common/artefacts.ts';
import { classShareJob, files, orderJob, statisticsJob, type ClassShareFile } from '../artefacts.ts';

/** The teacher's block `block` from the teacher job's file. */
export async function readTeacherFfn(context: JobContext, block: number): Promise<FfnWeights> {
  const path = context.input(teacherJob, commonFiles.teacher);
  return withSafetensors(path, async (file) => {
    const tensors: HostWeights = {};
    for (const name of Object.values(ffnNames(block))) {
      // Not every model has gates.
      if (file.names.includes(name))
        tensors[name] = { shape: file.info(name).shape, data: await file.read(name) };
    }
    return hostFfn(tensors, block);
  });
}

/** What the calibration images say of one block, merged over the shards. */
export async function readEvidence(
  context: JobContext,
  block: number,
  shards: number,
): Promise<BlockEvidence> {
  let merged: BlockEvidence | undefined;
  for (const shard of indices(shards)) {
    const path = context.input(statisticsJob(shard), files.statistics(block));
    const part = await withSafetensors(path, async (file): Promise<BlockEvidence> => {
      const read = (name: string) => file.readTyped(name) as Promise<Float64Array>;
      const asked: [string, Float64Array][] = [];
      for (const need of needs) if (file.names.includes(need)) asked.push([need, await read(need)]);
      return {
        statistics: {
          count: Number(file.metadata.count),
          mean: await read('mean'),
          covariance: await read('covariance'),
        },
        ...Object.fromEntries(asked),
      };
    });
    if (part.statistics.count === 0) continue;
    merged = merged === undefined ? part : mergeEvidence(merged, part);
  }
  if (merged === undefined) throw new Error(`no statistics for block ${block}`);
  return merged;
}

/** The weights of every block's sampled tokens. The job must need `classShareJob`. */
export async function readTokenWeights(
  context: JobContext,
  architecture: Architecture,
  calibration: Calibration,
): Promise<TokenWeights[]> {
  const { depth } = architecture;
  const path = context.input(classShareJob, files.classShare);
  const { classShare } = await readJson<ClassShareFile>(path);
  if (classShare !== null && classShare.length !== depth) {
    throw new Error(`${path}: ${classShare.length} blocks, expected ${depth}`);
  }
  return indices(depth).map((block) =>
    tokenWeights(
      classShare?.[block] ?? null,
      sampledTokens(calibration, architecture, block),
      prefixTokens(architecture),
    ),
  );
}

export async function readOrder(context: JobContext, block: number): Promise<Int32Array> {
  const path = context.input(orderJob(block), files.order);
  return withSafetensors(path, async (file) => (await file.readTyped('units')) as Int32Array);
}

/** Held-out block inputs (LayerNorm outputs) [N, D] of all shards. */
export async function readHeldOutTokens(
  context: JobContext,
  block: number,
  shards: number,
): Promise<Float32Array> {
  const parts = await Promise.all(
    indices(shards).map((shard) => readFile(context.input(statisticsJob(shard), files.heldOutTokens(block)))),
  );
  const all = Buffer.concat(parts);
  return new Float32Array(all.buffer, all.byteOffset, all.byteLength / 4);
}

/** The first held-out block inputs [N, D], N at most `most`, of all `jobs` of the statistics. */
export async function readFewHeldOutTokens(
  context: JobContext,
  block: number,
  { jobs, width, most }: { readonly jobs: number; readonly width: number; readonly most: number },
): Promise<Float32Array> {
  const result = new Float32Array(most * width);
  const bytes = new Uint8Array(result.buffer);
  let filled = 0;
  for (const job of indices(jobs)) {
    const file = await open(context.input(statisticsJob(job), files.heldOutTokens(block)));
    try {
      const { bytesRead } = await file.read(bytes, filled, bytes.length - filled, 0);
      filled += bytesRead;
    } finally {
      await file.close();
    }
    if (filled === bytes.length) break;
  }
  return result.subarray(0, filled / 4);
}

/** One file for a whole model's FFN blocks, named by block. */
export async function writeBlocks(path: string, ffns: readonly FfnWeights[]): Promise<void> {
  await writeFfns(
    path,
    ffns.map((weights, block) => [blockName(block), weights]),
  );
}

/** The blocks of `writeBlocks`, in their order. */
export async function readBlocks(path: string): Promise<FfnWeights[]> {
  return readFfns(path, (all) => [...all].sort());
}
