/**
 * Residual streams of the same images at several levels of compression, one block at a time. Level 0 is the teacher;
 * level k is the model whose blocks so far are all descendants of the k-th width. A block's descendants are fitted on
 * what they will see in a compressed model, and to what brings its stream back to the teacher's:
 *
 *     target = (teacher's stream after the block) - (this level's stream before its FFN)
 *
 * So each block repairs what the blocks before it have left wrong. Blocks must be taken in order: fitted to streams whose
 * prefix does not repair, they would all repair the same fault (measured in docs/quality.md).
 */
import * as tf from '@tensorflow/tfjs-core';
import type { ModelTensors } from '../model/backbone.ts';
import { enterEncoder, ffnFeatures, nextMixed } from '../model/encoder.ts';
import { disposeFfn, teacherFfn, uploadFfn } from '../model/ffn-tensors.ts';
import type { FfnWeights } from '../model/ffn-weights.ts';

/** Where the streams lie between two blocks: [B, T, D] after the attention of a block, by level and batch. */
export interface StreamStore {
  read(level: number, batch: number): Promise<Float32Array>;
  /** For the next block; `read` gives the old values until `turn`. */
  write(level: number, batch: number, values: Float32Array): Promise<void>;
  /** What was written is what will be read. `key` names it, for a store that outlives the process. */
  turn(key: string): Promise<void>;
}

/** The streams of one block on their way through the model. */
export interface Streams {
  readonly model: ModelTensors;
  readonly store: StreamStore;
  /** Levels, the teacher's among them. */
  readonly levels: number;
  /** Images of every batch. */
  readonly batches: readonly number[];
}

/** Tokens of one level at one block. They live until the visit returns. */
export interface LevelTokens {
  /** LN2's output, fc1's input [n, D] */
  readonly input: tf.Tensor2D;
  /** The teacher's hidden units on that input [n, H] */
  readonly hidden: tf.Tensor2D;
  /** What the FFN should put out [n, D]: at level 0 the teacher's own output. */
  readonly target: tf.Tensor2D;
}

/** Fills the store with the streams at block 0, where all levels are the same. Disposes the batches. */
export async function startStreams(
  model: ModelTensors,
  store: StreamStore,
  levels: number,
  batches: AsyncIterable<tf.Tensor4D>,
  key = '',
): Promise<Streams> {
  const sizes: number[] = [];
  for await (const pixels of batches) {
    const stream = enterEncoder(model, pixels);
    const values = await stream.data<'float32'>();
    for (let level = 0; level < levels; level++) await store.write(level, sizes.length, values);
    sizes.push(pixels.shape[0]);
    tf.dispose([stream, pixels]);
  }
  await store.turn(key);
  return { model, store, levels, batches: sizes };
}

/**
 * Shows `visit` the sampled tokens of every batch and level, level 0 first. `rowsOf(batch)` are indices into the
 * batch's B*T tokens, the same for all levels.
 */
export async function visitLevels(
  { model, store, levels, batches }: Streams,
  block: number,
  rowsOf: (batch: number) => Int32Array,
  visit: (level: number, tokens: LevelTokens, batch: number) => void,
): Promise<void> {
  const { width } = model.architecture;
  for (const batch of batches.keys()) {
    const rows = rowsOf(batch);
    let teacherAfter: tf.Tensor2D | undefined;
    for (let level = 0; level < levels; level++) {
      const values = await store.read(level, batch);
      const kept = tf.tidy(() => {
        const all = tf.tensor2d(values, [values.length / width, width]);
        const stream = tf.gather<tf.Tensor2D>(all, tf.tensor1d(rows, 'int32'));
        const features = ffnFeatures(model, block, stream, teacherFfn(model, block));
        const input = features['ffn.input'] as tf.Tensor2D;
        const hidden = features['ffn.hidden'] as tf.Tensor2D;
        if (teacherAfter !== undefined) {
          visit(level, { input, hidden, target: tf.sub(teacherAfter, stream) }, batch);
          return [];
        }
        visit(level, { input, hidden, target: features['ffn.output'] as tf.Tensor2D }, batch);
        return [features.output as tf.Tensor2D];
      });
      if (level === 0) teacherAfter = kept[0];
    }
    teacherAfter?.dispose();
  }
}

/**
 * Takes every level through `block` and the next block's attention. `descendants[k - 1]` is level k's; the teacher's level
 * goes through its own block. After the last block there is nothing to advance to, and nothing is done.
 */
export async function advanceStreams(
  { model, store, levels, batches }: Streams,
  block: number,
  descendants: readonly FfnWeights[],
  key = '',
): Promise<void> {
  const { width, depth } = model.architecture;
  if (block === depth - 1) return;
  const ffns = descendants.map(uploadFfn);
  try {
    for (const [batch, images] of batches.entries()) {
      for (let level = 0; level < levels; level++) {
        const values = await store.read(level, batch);
        const ffn = level === 0 ? teacherFfn(model, block) : ffns[level - 1]!;
        const next = tf.tidy(() =>
          nextMixed(model, block, tf.tensor3d(values, [images, values.length / images / width, width]), ffn),
        );
        await store.write(level, batch, await next.data<'float32'>());
        next.dispose();
      }
    }
  } finally {
    ffns.forEach(disposeFfn);
  }
  await store.turn(key);
}

/** Streams in this process's memory. */
export function memoryStore(): StreamStore {
  let now: Float32Array[][] = [];
  let next: Float32Array[][] = [];
  return {
    read: (level, batch) => Promise.resolve(now[level]![batch]!),
    write: (level, batch, values) => {
      (next[level] ??= [])[batch] = values;
      return Promise.resolve();
    },
    turn: () => {
      now = next;
      next = [];
      return Promise.resolve();
    },
  };
}
