import * as tf from '@tensorflow/tfjs-core';
import * as tfData from '@tensorflow/tfjs-data';
import { extentOf } from '../pipeline/model/family/image-size.ts';
import type { Preprocessing, RawBatch, SplitItem } from './contract.ts';
import { normalise } from './normalise.ts';
import type { Preparer } from './prepare.ts';
import { loadSplit, splitBatches } from './split-batches.ts';

/** A batch ready for the model. A type, not an interface: tfjs-data asks for an index signature. */
export type TensorBatch = {
  /** [B, height, width, C] float32, normalised. */
  readonly pixels: tf.Tensor4D;
  /** [B] */
  readonly labels: Int32Array;
  readonly ids: string[];
};

/** A split of a source, read through one preparer. */
export interface OpenSplit {
  readonly items: readonly SplitItem[];
  readonly preparer: Preparer;
  /** Batches of the given items, decoded ahead of use. The caller disposes each batch's `pixels`. */
  tensorBatches(items: readonly SplitItem[], batchSize: number): AsyncIterable<TensorBatch>;
  /** All given items in memory. */
  load(items: readonly SplitItem[]): Promise<RawBatch>;
}

export function openBatches(
  items: readonly SplitItem[],
  preparer: Preparer,
  signal?: AbortSignal,
): OpenSplit {
  return {
    items,
    preparer,
    async *tensorBatches(some, batchSize) {
      const iterator = await tensorBatches(some, preparer, { batchSize, signal }).iterator();
      for (let step = await iterator.next(); !step.done; step = await iterator.next()) yield step.value;
    },
    load: (some) => loadSplit(some, preparer, { signal }),
  };
}

/**
 * The images of a split as a tf.data Dataset of normalised batches, decoded ahead of use.
 * The caller disposes each batch's `pixels`; one that was not asked for is never made.
 */
export function tensorBatches(
  items: readonly SplitItem[],
  preparer: Preparer,
  options: Parameters<typeof splitBatches>[2],
): tfData.Dataset<TensorBatch> {
  return tfData.generator<TensorBatch>(() => {
    const batches = splitBatches(items, preparer, options);
    return {
      async next() {
        const step = await batches.next();
        if (step.done === true) return { done: true, value: undefined };
        return { done: false, value: toTensors(step.value, preparer.preprocessing) };
      },
    };
  });
}

/** The caller disposes `pixels`. */
export function toTensors(batch: RawBatch, preprocessing: Preprocessing): TensorBatch {
  const { count, size, channels, labels, ids } = batch;
  const { height, width } = extentOf(size);
  const pixels = tf.tensor4d(normalise(batch.pixels, preprocessing), [count, height, width, channels]);
  return { pixels, labels, ids: [...ids] };
}
