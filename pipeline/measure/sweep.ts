import * as tf from '@tensorflow/tfjs-core';
import { setImmediate } from 'node:timers/promises';
import {
  applyFfn,
  attentionBranch,
  embed,
  encoderLayer,
  ffnInput,
  head,
  lastEncoderLayer,
  teacherFfn,
  type FfnTensors,
  type ModelTensors,
} from '../model/vit.ts';
import { fail } from '../util/failure.ts';
import { scoreLogits, teacherReference } from './score-logits.ts';
import { mergeScores, type Scores, type SweepScores } from './scores.ts';

/** Normalised pixels [B, S, S, C] with labels [B] and stable ids. The consumer disposes the pixels. */
export interface ImageBatch {
  readonly pixels: tf.Tensor4D;
  readonly labels: Int32Array;
  readonly ids: readonly string[];
}

export interface SweepOptions {
  readonly model: ModelTensors;
  readonly batches: AsyncIterable<ImageBatch>;
  /** Images in all batches; only for the progress. */
  readonly images?: number;
  /** Each is measured with every other block the teacher's. */
  readonly descendants: readonly { readonly id: string; readonly block: number; readonly ffn: FfnTensors }[];
  /** Whole models: an FFN for every block. */
  readonly uniform: readonly { readonly id: string; readonly ffn: (block: number) => FfnTensors }[];
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: {
    fraction: number;
    note: string;
    metrics: Record<string, number>;
  }) => void;
}

/**
 * Scores the teacher (id `teacher`), every descendant in the teacher's context and every uniform model, per image.
 *
 * The teacher walks through a batch once. Where it has passed the attention of block i, the descendants of block i
 * leave from there: own FFN, then the layers after it. So no layer before a descendant's block is computed twice, at
 * most one activation [B, T, D] is kept, and in the last block only class tokens remain. That is a little over half of
 * the arithmetic of whole forward passes (`bench/measure.ts`). What is kept per model and batch are its logits.
 *
 * Disposes the pixels of every batch, and nothing else that it was given.
 *
 * @throws BlockForgeError `not-finite`, naming the model and the image; `signal.reason` when aborted
 */
export async function sweep(options: SweepOptions): Promise<SweepScores> {
  const { model, descendants, uniform, images, signal, onProgress } = options;
  const ids: string[] = [];
  const parts = new Map<string, Scores[]>(
    ['teacher', ...descendants.map(({ id }) => id), ...uniform.map(({ id }) => id)].map((id) => [id, []]),
  );
  if (parts.size !== 1 + descendants.length + uniform.length)
    throw new Error('two models of a sweep share an id');
  const started = performance.now();
  for await (const batch of options.batches) {
    try {
      const logits = await batchLogits(options, batch.pixels, signal);
      const teacher = teacherReference(logits.get('teacher')!, model.architecture.classes);
      for (const [id, values] of logits) {
        const scores = scoreLogits(values, batch.labels, teacher);
        checkFinite(id, scores, batch.ids);
        parts.get(id)!.push(scores);
      }
    } finally {
      batch.pixels.dispose();
    }
    ids.push(...batch.ids);
    onProgress?.({
      fraction: images === undefined ? 0 : ids.length / images,
      note: `${ids.length}${images === undefined ? '' : `/${images}`} images x ${parts.size} models`,
      metrics: { imagesPerSecond: (1000 * ids.length) / (performance.now() - started) },
    });
  }
  return {
    ids,
    models: new Map([...parts].map(([id, shards]) => [id, mergeScores(shards)])),
  };
}

/** Logits [B * C] of every model on one batch, in the order they were reached. */
async function batchLogits(
  { model, descendants, uniform }: SweepOptions,
  pixels: tf.Tensor,
  signal: AbortSignal | undefined,
): Promise<Map<string, Float32Array>> {
  const logits = new Map<string, Float32Array>();
  const last = model.architecture.depth - 1;
  const own = (block: number): FfnTensors => teacherFfn(model, block);
  const collect = async (id: string, block: number, attended: tf.Tensor, ffn: typeof own): Promise<void> => {
    const result = suffix(model, block, attended, ffn);
    logits.set(id, (await result.data<'float32'>()).slice());
    result.dispose();
    // The engines compute inside the call: give decoding and Ctrl-C a turn between models.
    await setImmediate();
    signal?.throwIfAborted();
  };
  let x = embed(model, pixels);
  let attended = x;
  try {
    for (let block = 0; block <= last; block++) {
      attended = tf.tidy(() => {
        const all = attentionBranch(model, block, x);
        return block === last ? tf.slice(all, [0, 0, 0], [-1, 1, -1]) : all;
      });
      x.dispose();
      if (block === 0) for (const { id, ffn } of uniform) await collect(id, 0, attended, ffn);
      for (const descendant of descendants) {
        if (descendant.block !== block) continue;
        await collect(descendant.id, block, attended, (index) =>
          index === block ? descendant.ffn : own(index),
        );
      }
      if (block === last) await collect('teacher', block, attended, own);
      else {
        x = addFfn(model, block, attended, own(block));
        attended.dispose();
      }
    }
  } finally {
    x.dispose();
    attended.dispose();
  }
  return logits;
}

/** From `attended`, the residual stream after the attention of `block`, to the logits [B, C]. */
function suffix(
  model: ModelTensors,
  block: number,
  attended: tf.Tensor,
  ffn: (block: number) => FfnTensors,
): tf.Tensor {
  const last = model.architecture.depth - 1;
  return tf.tidy(() => {
    let x = addFfn(model, block, attended, ffn(block));
    for (let index = block + 1; index <= last; index++) {
      const before = x;
      x = index === last ? lastEncoderLayer(model, x, ffn(index)) : encoderLayer(model, index, x, ffn(index));
      before.dispose();
    }
    return head(model, x);
  });
}

function addFfn(model: ModelTensors, block: number, attended: tf.Tensor, ffn: FfnTensors): tf.Tensor {
  return tf.tidy(() =>
    tf.add(attended, applyFfn(ffn, ffnInput(model, block, attended), model.architecture.gelu)),
  );
}

function checkFinite(id: string, { kl }: Scores, ids: readonly string[]): void {
  const image = kl.findIndex((value) => !Number.isFinite(value));
  if (image < 0) return;
  fail({
    reason: 'not-finite',
    subject: `measuring ${id}`,
    found: `its output for image ${ids[image]} is not finite`,
    expected: 'finite class scores',
    next: 'remove the distill job of this block from the run folder, or lower distill.learningRate',
  });
}
