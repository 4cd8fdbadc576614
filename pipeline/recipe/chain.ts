import type * as tf from '@tensorflow/tfjs-core';
import {
  advanceStreams,
  memoryStore,
  startStreams,
  type StreamStore,
  type Streams,
} from '../compress/streams.ts';
import { blockName } from '../model/architecture.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';
import type { ImageSplit } from './calibration.ts';
import type { ImageBatch } from './evidence.ts';

/** Images of a batch of the streams. */
const batchSize = 25;

/** A store that may hold the streams of an earlier process. */
export interface ChainStore extends StreamStore {
  /** Whether it holds the streams named `key`, of so many levels. */
  find(key: string, levels: number): Promise<boolean>;
  /** Forgets all streams: the last block has been taken. */
  remove(): Promise<void>;
  close(): Promise<void>;
}

export interface ChainOptions<Item extends { readonly id: string }> {
  readonly model: Streams['model'];
  readonly store: ChainStore;
  /** Descendants of every block: the k-th of all blocks make one model. */
  readonly levels: number;
  readonly images: ImageSplit<Item>;
  readonly batchesOf: (items: readonly Item[], batchSize: number) => AsyncIterable<ImageBatch>;
  /** Rows of a batch's B*T tokens that are kept. */
  readonly rowsOf: (ids: readonly string[]) => Int32Array;
  /** The block that is wanted first. */
  readonly block: number;
  /** For a chain whose jobs are processes of their own; default: taken from the first block to the last in this one. */
  readonly earlier?: EarlierBlocks | undefined;
  readonly onNote?: ((text: string) => void) | undefined;
}

export interface EarlierBlocks {
  /** Names of the streams before block 0, 1, ..., `block`, in the store. */
  readonly keys: readonly string[];
  /** The name after `block`, asked for when its descendants have been made. */
  readonly keyAfter: () => Promise<string>;
  /** The descendants of an earlier block, widest first, to make the streams again. */
  readonly descendantsOf: (block: number) => Promise<readonly FfnWeights[]>;
}

/** Streams of whole compressed models on their way from block to block, and what belongs to their images. */
export interface Chain {
  readonly streams: Streams;
  /** Sampled rows of a batch's tokens. */
  readonly rowsOf: (batch: number) => Int32Array;
  readonly isHeldOut: (batch: number) => boolean;
  /** Moves on past `block` with the descendants just made, widest first. */
  advance(block: number, descendants: readonly FfnWeights[]): Promise<void>;
  close(): Promise<void>;
}

/**
 * The streams at a block: found in the store where an earlier process has left them, else made again from the images and
 * the descendants so far. Costs then: one forward pass per level up to the block.
 */
export async function openChain<Item extends { readonly id: string }>(
  options: ChainOptions<Item>,
): Promise<Chain> {
  const { model, store, images, rowsOf, block, earlier, onNote } = options;
  const { depth } = model.architecture;
  const levels = 1 + options.levels;
  const parts = [images.training, images.heldOut];
  const idsOf = (items: readonly Item[]) => cut(items.map(({ id }) => id));
  const training = idsOf(images.training);
  const ids = [...training, ...idsOf(images.heldOut)];
  const batches = ids.map(({ length }) => length);
  const pixels = async function* (): AsyncGenerator<tf.Tensor4D> {
    for (const items of parts) {
      let done = 0;
      for await (const batch of options.batchesOf(items, batchSize)) {
        done += batch.ids.length;
        onNote?.(`streams of image ${done}/${items.length}`);
        yield batch.pixels;
      }
    }
  };
  if (block > 0 && earlier === undefined)
    throw new Error(`a chain from block ${block} on, nothing before it`);
  let streams: Streams = { model, store, levels, batches };
  if (earlier === undefined || !(await store.find(earlier.keys[block]!, levels))) {
    streams = await startStreams(model, store, levels, pixels(), earlier?.keys[0]);
    for (let before = 0; earlier !== undefined && before < block; before++) {
      onNote?.(`streams up to ${blockName(before + 1)}`);
      const descendants = await earlier.descendantsOf(before);
      await advanceStreams(streams, before, descendants, earlier.keys[before + 1]);
    }
  }
  return {
    streams,
    rowsOf: (batch) => rowsOf(ids[batch]!),
    isHeldOut: (batch) => batch >= training.length,
    async advance(at, descendants) {
      if (at === depth - 1) await store.remove();
      else await advanceStreams(streams, at, descendants, await earlier?.keyAfter());
    },
    close: () => store.close(),
  };
}

/** Streams in this process's memory, for a chain that is taken from the first block to the last. */
export function memoryChainStore(): ChainStore {
  const nothing = () => Promise.resolve();
  return { ...memoryStore(), find: () => Promise.resolve(false), remove: nothing, close: nothing };
}

function cut(ids: readonly string[]): string[][] {
  return Array.from({ length: Math.ceil(ids.length / batchSize) }, (_, batch) =>
    ids.slice(batch * batchSize, (batch + 1) * batchSize),
  );
}
