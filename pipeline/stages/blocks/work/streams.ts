import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs-core';
import { advanceStreams, startStreams, type Streams } from '../../../compress/streams.ts';
import { blockName } from '../../../model/architecture.ts';
import type { VisionTransformer } from '../../../model/vit.ts';
import type { FfnWeights } from '../../../model/ffn-weights.ts';
import type { JobContext } from '../../../runner/contract.ts';
import { hashJson, sha256File } from '../../../util/hash.ts';
import { commonFiles, indices, splitsJob, teacherJob, type ImageAccess } from '../../common/artefacts.ts';
import { openSplit, readTeacherInfo } from '../../common/open.ts';
import { chainJob, files, type Chain } from '../artefacts.ts';
import { chainImages, type Calibration } from '../shape.ts';
import { calibrationImages, sampledRows } from './calibration.ts';
import { readDescendants } from './read.ts';
import { streamFolder } from './stream-folder.ts';

const batchSize = 25;

/** Which streams. */
export interface StreamsAt {
  readonly chain: Chain;
  readonly block: number;
  /** The teacher's and one of every width. */
  readonly levels: number;
  /** Most calibration images to stream. */
  readonly images: number;
  readonly calibration: Calibration;
}

/** The streams of a chain at one block, and what belongs to them. */
export interface OpenStreams extends Streams {
  /** Sampled rows of a batch's tokens. */
  readonly rowsOf: (batch: number) => Int32Array;
  readonly isHeldOut: (batch: number) => boolean;
  /** Moves on past `block` with the descendants just made, widest first, for the next job to find. */
  readonly advance: (descendants: readonly FfnWeights[], outputs: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

/**
 * The streams of a chain at a block: found in the scratch folder where the job before has left them, else made again from
 * the images and the chain's descendants so far. Costs then: one forward pass per level up to the block.
 */
export async function openStreams(
  context: JobContext,
  model: VisionTransformer,
  { chain, block, levels, images, calibration }: StreamsAt,
  access: ImageAccess,
): Promise<OpenStreams> {
  const { architecture } = model;
  const { preprocessing } = await readTeacherInfo(context);
  const split = await openSplit(context, 'calibration', access);
  const all = calibrationImages(calibration, split.items);
  const counts = chainImages(
    { images, heldOut: calibration.heldOut },
    { training: all.training.length, heldOut: all.heldOut.length },
  );
  const heldOut = all.heldOut.slice(0, counts.heldOut);
  const training = all.training.slice(0, counts.training);
  const cut = (items: typeof training) =>
    indices(Math.ceil(items.length / batchSize)).map((i) => items.slice(i * batchSize, (i + 1) * batchSize));
  const batches = [...cut(training), ...cut(heldOut)];
  const trainingBatches = cut(training).length;
  const root = join(context.scratchFolder, chain);
  const store = streamFolder(root);
  const base = {
    chain,
    levels,
    training: training.length,
    heldOut: heldOut.length,
    seed: calibration.seed,
    preprocessing: hashJson({ ...preprocessing }),
    splits: await sha256File(join(context.input(splitsJob), commonFiles.splits)),
    teacher: await sha256File(join(context.input(teacherJob), commonFiles.teacher)),
  };
  const keyOf = (prefix: readonly string[]): string => hashJson({ ...base, prefix });
  const prefix: string[] = [];
  for (const before of indices(block)) {
    prefix.push(await sha256File(join(context.input(chainJob[chain](before)), files.descendants)));
  }

  let streams: Streams;
  if ((await store.find(keyOf(prefix), levels)) !== undefined) {
    streams = { model, store, levels, batches: batches.map((batch) => batch.length) };
  } else {
    streams = await startStreams(model, store, levels, pixelsOf(), keyOf([]));
    for (const before of indices(block)) {
      context.progress({ fraction: 0, note: `streams up to ${blockName(before + 1)}` });
      const folder = context.input(chainJob[chain](before));
      await advanceStreams(streams, before, await readWeights(folder), keyOf(prefix.slice(0, before + 1)));
      context.signal.throwIfAborted();
    }
  }
  return {
    ...streams,
    rowsOf: (batch) =>
      sampledRows(
        calibration,
        architecture,
        batches[batch]!.map(({ id }) => id),
      ),
    isHeldOut: (batch) => batch >= trainingBatches,
    async advance(descendants, outputs) {
      if (block === architecture.depth - 1) {
        await store.close();
        await rm(root, { recursive: true, force: true });
        return;
      }
      await advanceStreams(streams, block, descendants, keyOf([...prefix, await sha256File(outputs)]));
    },
    close: () => store.close(),
  };

  async function* pixelsOf(): AsyncGenerator<tf.Tensor4D> {
    for (const [items, count] of [
      [training, training.length],
      [heldOut, heldOut.length],
    ] as const) {
      let done = 0;
      for await (const { pixels, ids } of split.tensorBatches(items, batchSize)) {
        done += ids.length;
        context.progress({ fraction: 0, note: `streams of image ${done}/${count}` });
        context.signal.throwIfAborted();
        yield pixels;
      }
    }
  }
}

async function readWeights(folder: string): Promise<FfnWeights[]> {
  return (await readDescendants(folder)).map(({ weights }) => weights);
}
