import { readFile } from 'node:fs/promises';
import type { JobContext } from '../../../runner/contract.ts';
import { needs, type BlockEvidence } from '../../../compress/order/criterion.ts';
import { tokenWeights, type TokenWeights } from '../../../compress/token-weights.ts';
import { readFfns, writeFfns } from '../../../model/ffn-file.ts';
import { type FfnWeights, ffnNames } from '../../../model/ffn-weights.ts';
import { blockName, prefixTokens, widthName, type Architecture } from '../../../model/architecture.ts';
import { hostFfn } from '../../../model/host-weights.ts';
import { readTensors, withSafetensors } from '../../../model/safetensors.ts';
import { mergeEvidence } from '../../../recipe/evidence.ts';
import { openTokenReader } from '../../../recipe/token-files.ts';
import { readJson } from '../../../util/atomic.ts';
import { commonFiles, indices, teacherJob } from '../../common/artefacts.ts';
import { classShareJob, files, orderJob, statisticsJob, type ClassShareFile } from '../artefacts.ts';

/** The teacher's block `block` from the teacher job's file. */
export async function readTeacherFfn(context: JobContext, block: number): Promise<FfnWeights> {
  const path = context.input(teacherJob, commonFiles.teacher);
  const { tensors } = await readTensors(path, Object.values(ffnNames(block)));
  return hostFfn(tensors, block);
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

/** The weights of every block's tokens, `sampled` of each image. The job must need `classShareJob`. */
export async function readTokenWeights(
  context: JobContext,
  architecture: Architecture,
  sampled: number,
): Promise<TokenWeights[]> {
  const { depth } = architecture;
  const path = context.input(classShareJob, files.classShare);
  const { classShare } = await readJson<ClassShareFile>(path);
  if (classShare !== null && classShare.length !== depth) {
    throw new Error(`${path}: ${classShare.length} blocks, expected ${depth}`);
  }
  return indices(depth).map((block) =>
    tokenWeights(classShare?.[block] ?? null, sampled, prefixTokens(architecture)),
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

/** The block inputs sampled for distillation [N, D], of all shards. */
export async function openTokens(
  context: JobContext,
  { block, width, shards }: { readonly block: number; readonly width: number; readonly shards: number },
): ReturnType<typeof openTokenReader> {
  const paths = indices(shards).map((shard) => context.input(statisticsJob(shard), files.tokens(block)));
  return openTokenReader(paths, width);
}

/** One file for all descendants of a block, named by width. */
export async function writeDescendants(path: string, descendants: readonly FfnWeights[]): Promise<void> {
  await writeFfns(
    path,
    descendants.map((weights) => [widthName(weights.hidden), weights]),
  );
}

/** The descendants of `writeDescendants`, widest first; with `width`, that one alone. */
export async function readDescendants(path: string, width?: number): Promise<FfnWeights[]> {
  return readFfns(path, (all) => (width === undefined ? [...all].sort().reverse() : [widthName(width)]));
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
