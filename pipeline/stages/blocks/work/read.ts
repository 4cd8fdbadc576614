import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobContext } from '../../../runner/contract.ts';
import type { BlockEvidence } from '../../../compress/order/criterion.ts';
import { tokenWeights, type TokenWeights } from '../../../compress/token-weights.ts';
import type { TokenReader } from '../../../distill/token-batches.ts';
import type { FfnWeights } from '../../../model/ffn-weights.ts';
import { blockName, widthName } from '../../../model/architecture.ts';
import { ffnNames, ffnParts } from '../../../model/ffn-names.ts';
import { hostFfn } from '../../../model/host-weights.ts';
import {
  openSafetensors,
  readTensors,
  writeSafetensors,
  type NamedArrays,
} from '../../../model/safetensors.ts';
import { mergeEvidence } from '../../../recipe/evidence.ts';
import { readJson } from '../../../util/atomic.ts';
import { commonFiles, indices, teacherJob } from '../../common/artefacts.ts';
import { classShareJob, files, orderJob, statisticsJob, type ClassShareFile } from '../artefacts.ts';

/** The teacher's block `block` from the teacher job's file. */
export async function readTeacherFfn(context: JobContext, block: number): Promise<FfnWeights> {
  const path = join(context.input(teacherJob), commonFiles.teacher);
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
    const file = await openSafetensors(join(context.input(statisticsJob(shard)), files.statistics(block)));
    const read = (name: string) => file.readTyped(name) as Promise<Float64Array>;
    const asked = (name: string) => (file.names.includes(name) ? read(name) : undefined);
    const part: BlockEvidence = {
      statistics: {
        count: Number(file.metadata.count),
        mean: await read('mean'),
        covariance: await read('covariance'),
      },
      activeRate: await asked('activeRate'),
      saliency: await asked('saliency'),
    };
    await file.close();
    if (part.statistics.count === 0) continue;
    merged = merged === undefined ? part : mergeEvidence(merged, part);
  }
  if (merged === undefined) throw new Error(`no statistics for block ${block}`);
  return merged;
}

/** The weights of every block's tokens, `sampled` of each image. The job must need `classShareJob`. */
export async function readTokenWeights(
  context: JobContext,
  depth: number,
  sampled: number,
): Promise<TokenWeights[]> {
  const path = join(context.input(classShareJob), files.classShare);
  const { classShare } = await readJson<ClassShareFile>(path);
  if (classShare !== null && classShare.length !== depth) {
    throw new Error(`${path}: ${classShare.length} blocks, expected ${depth}`);
  }
  return indices(depth).map((block) => tokenWeights(classShare?.[block] ?? null, sampled));
}

export async function readOrder(context: JobContext, block: number): Promise<Int32Array> {
  const file = await openSafetensors(join(context.input(orderJob(block)), files.order));
  const units = (await file.readTyped('units')) as Int32Array;
  await file.close();
  return units;
}

/** Held-out block inputs (LayerNorm outputs) [N, D] of all shards. */
export async function readHeldOutTokens(
  context: JobContext,
  block: number,
  shards: number,
): Promise<Float32Array> {
  const parts = await Promise.all(
    indices(shards).map((shard) =>
      readFile(join(context.input(statisticsJob(shard)), files.heldOutTokens(block))),
    ),
  );
  const all = Buffer.concat(parts);
  return new Float32Array(all.buffer, all.byteOffset, all.byteLength / 4);
}

/** The block inputs sampled for distillation [N, D], read by range from the shards' files. */
export async function openTokens(
  context: JobContext,
  { block, width, shards }: { readonly block: number; readonly width: number; readonly shards: number },
): Promise<TokenReader & { close(): Promise<void> }> {
  const handles = await Promise.all(
    indices(shards).map((shard) => open(join(context.input(statisticsJob(shard)), files.tokens(block)))),
  );
  const counts = await Promise.all(handles.map(async (handle) => (await handle.stat()).size / (4 * width)));
  return {
    width,
    count: counts.reduce((sum, count) => sum + count, 0),
    async read(start, count) {
      const result = new Float32Array(count * width);
      const bytes = new Uint8Array(result.buffer);
      let filled = 0;
      let first = 0;
      for (const [index, handle] of handles.entries()) {
        const from = Math.max(start, first);
        const to = Math.min(start + count, first + counts[index]);
        if (from < to) {
          const length = (to - from) * width * 4;
          await readFully(handle, bytes.subarray(filled, filled + length), (from - first) * width * 4);
          filled += length;
        }
        first += counts[index];
      }
      if (filled !== bytes.length)
        throw new RangeError(`tokens ${start}..${start + count} of ${first} were asked for`);
      return result;
    },
    close: async () => {
      await Promise.all(handles.map((handle) => handle.close()));
    },
  };
}

async function readFully(
  handle: Awaited<ReturnType<typeof open>>,
  target: Uint8Array,
  position: number,
): Promise<void> {
  for (let done = 0; done < target.length;) {
    const { bytesRead } = await handle.read(target, done, target.length - done, position + done);
    if (bytesRead === 0) throw new Error('a token file ended early');
    done += bytesRead;
  }
}

/** One file for all descendants of a block: `w0384/fc1Kernel` [D, H'] and so on, in the in-memory [in, out] layout. */
export async function writeDescendants(
  path: string,
  descendants: readonly { weights: FfnWeights }[],
): Promise<void> {
  await writeFfns(
    path,
    descendants.map(({ weights }) => [widthName(weights.hidden), weights]),
  );
}

/** The descendants in `folder`, widest first; with `width`, that one alone. */
export async function readDescendants(
  folder: string,
  width?: number,
): Promise<{ width: number; weights: FfnWeights }[]> {
  const file = await openSafetensors(join(folder, files.descendants));
  const all = [...new Set(file.names.map((name) => name.split('/')[0]))].sort().reverse();
  const ffns = await readFfns(file, width === undefined ? all : [widthName(width)]);
  await file.close();
  return ffns.map((weights) => ({ width: weights.hidden, weights }));
}

/** One file for a whole model's FFN blocks: `block-03/fc1Kernel` and so on. */
export async function writeBlocks(path: string, ffns: readonly FfnWeights[]): Promise<void> {
  await writeFfns(
    path,
    ffns.map((weights, block) => [blockName(block), weights]),
  );
}

/** The blocks of `writeBlocks`, in the order of `names`. */
export async function readBlocks(path: string, names: readonly string[]): Promise<FfnWeights[]> {
  const file = await openSafetensors(path);
  const ffns = await readFfns(file, names);
  await file.close();
  return ffns;
}

async function writeFfns(path: string, named: readonly (readonly [string, FfnWeights])[]): Promise<void> {
  const arrays: NamedArrays = {};
  for (const [name, weights] of named) {
    const { width: d, hidden: h } = weights;
    const shapes = { fc1Kernel: [d, h], fc1Bias: [h], fc2Kernel: [h, d], fc2Bias: [d] };
    for (const part of ffnParts) arrays[`${name}/${part}`] = { shape: shapes[part], data: weights[part] };
  }
  await writeSafetensors(path, arrays, {});
}

async function readFfns(
  file: Awaited<ReturnType<typeof openSafetensors>>,
  names: readonly string[],
): Promise<FfnWeights[]> {
  const result: FfnWeights[] = [];
  for (const name of names) {
    const [width, hidden] = file.info(`${name}/fc1Kernel`).shape;
    const [fc1Kernel, fc1Bias, fc2Kernel, fc2Bias] = await Promise.all(
      ffnParts.map((part) => file.read(`${name}/${part}`)),
    );
    result.push({ width, hidden, fc1Kernel, fc1Bias, fc2Kernel, fc2Bias });
  }
  return result;
}
