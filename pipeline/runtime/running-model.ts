import type { HostWeights } from '../model/host-weights.ts';
import type { ResidentBlock, RuntimeEngine } from './engine.ts';

/** What an exchange of blocks did. */
export interface Switch {
  /** The descendants in use from now on, one per block. */
  readonly descendants: readonly string[];
  /** Those of them that were not in use before. */
  readonly loaded: readonly string[];
  readonly bytesLoaded: number;
  readonly bytesReleased: number;
  /** From the call to the first inference that can use the new blocks; no inference waits for it. */
  readonly milliseconds: number;
}

/** What a running model is made of, wherever its files are. */
export interface ModelParts {
  readonly engine: RuntimeEngine;
  /** Of the frame's weights, which the engine holds. */
  readonly frameBytes: number;
  /** The tensors of a descendant by timm's full names, and the bytes of its file. Throws where they cannot be had. */
  readonly read: (block: number, id: string) => { readonly tensors: HostWeights; readonly sizeBytes: number };
}

/** A block in memory, counted: by the composition it is part of, and by every inference that uses it. */
interface Held {
  readonly id: string;
  readonly sizeBytes: number;
  readonly resident: ResidentBlock;
  users: number;
}

/**
 * A model whose blocks can be exchanged while it predicts, in Node.js and in browsers. It owns its engine's memory: `close` it.
 *
 * A switch reads only the blocks that change, then replaces the list of blocks in one step. An inference keeps the list
 * it began with, and a block is released when nothing uses it any more. Switches are synchronous: a block is read in less
 * than a millisecond per megabyte, and engines that compute on this thread would make every wait last an inference.
 */
export class RunningModel {
  readonly #parts: ModelParts;
  #blocks: readonly Held[] = [];
  readonly #running = new Set<Promise<unknown>>();

  constructor(parts: ModelParts) {
    this.#parts = parts;
  }

  /** The descendants that the next inference will use, one per block. */
  get descendants(): readonly string[] {
    return this.#blocks.map(({ id }) => id);
  }

  /** Bytes of weights in use: the frame and the blocks. What an engine needs to compute with them comes on top. */
  get memoryBytes(): number {
    return this.#parts.frameBytes + bytesOf(this.#blocks);
  }

  /** Changes to the given descendants, one per block. Where `read` throws, the model goes on as it was. */
  use(descendants: readonly string[]): Switch {
    const started = performance.now();
    const before = this.#blocks;
    const after = [...before];
    const loaded: Held[] = [];
    const replaced: Held[] = [];
    try {
      for (const [index, id] of descendants.entries()) {
        if (before[index]?.id === id) continue;
        after[index] = this.#load(index, id);
        loaded.push(after[index]);
        if (before[index] !== undefined) replaced.push(before[index]);
      }
    } catch (error) {
      drop(loaded);
      throw error;
    }
    this.#blocks = after;
    drop(replaced);
    return {
      descendants: this.descendants,
      loaded: loaded.map(({ id }) => id),
      bytesLoaded: bytesOf(loaded),
      bytesReleased: bytesOf(replaced),
      milliseconds: performance.now() - started,
    };
  }

  /** @param pixels [B, C, height, width], normalised @returns logits [B, classes] */
  async infer(pixels: Float32Array, batch: number): Promise<Float32Array> {
    const blocks = this.#blocks;
    for (const block of blocks) block.users++;
    const residents = blocks.map(({ resident }) => resident);
    const run = this.#parts.engine.run(pixels, batch, residents);
    this.#running.add(run);
    try {
      return await run;
    } finally {
      this.#running.delete(run);
      drop(blocks);
    }
  }

  /** Waits for what is running, then gives all memory back. */
  async close(): Promise<void> {
    await Promise.allSettled(this.#running);
    const blocks = this.#blocks;
    this.#blocks = [];
    drop(blocks);
    await this.#parts.engine.close();
  }

  #load(block: number, id: string): Held {
    const { tensors, sizeBytes } = this.#parts.read(block, id);
    return { id, sizeBytes, resident: this.#parts.engine.hold(block, tensors), users: 1 };
  }
}

function drop(blocks: readonly Held[]): void {
  for (const block of blocks) if (--block.users === 0) block.resident.release();
}

function bytesOf(blocks: readonly Held[]): number {
  return blocks.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}
