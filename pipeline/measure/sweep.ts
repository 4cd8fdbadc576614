import * as tf from '@tensorflow/tfjs-core';
import { setImmediate } from 'node:timers/promises';
import type { ModelTensors } from '../model/backbone.ts';
import { enterEncoder, headRows, logitsFrom, nextMixed } from '../model/encoder.ts';
import { teacherFfn, type FfnTensors } from '../model/ffn-tensors.ts';
import { fail } from '../util/failure.ts';
import { classJudge, type Judge } from './judge.ts';
import { mergeSaid, type Said } from './said.ts';
import { mergeScores, type Scores, type SweepScores } from './scores.ts';
import { known } from '../util/known.ts';

/** Normalised pixels [B, S, S, C] with labels [B] and stable ids. The consumer disposes the pixels. */
export interface LabelledBatch {
  readonly pixels: tf.Tensor4D;
  readonly labels: Int32Array;
  readonly ids: readonly string[];
}

/** A model and what is to be exchanged in it, one block at a time. */
export interface SweepContext {
  /** The model's own id: it is scored too. */
  readonly id: string;
  readonly ffn: (block: number) => FfnTensors;
  readonly variants: readonly SweepVariant[];
}

export interface SweepVariant {
  readonly id: string;
  readonly block: number;
  readonly ffn: FfnTensors;
}

export interface SweepOptions {
  readonly model: ModelTensors;
  /** What answers are scored by. Default: as logits of the model's classes. Not disposed. */
  readonly judge?: Judge | undefined;
  readonly batches: AsyncIterable<LabelledBatch>;
  /** Images in all batches; only for the progress. */
  readonly images?: number;
  /** Each is measured with every other block the teacher's. */
  readonly descendants: readonly SweepVariant[];
  /** Whole models: an FFN for every block. */
  readonly models: readonly { readonly id: string; readonly ffn: (block: number) => FfnTensors }[];
  /** More models to exchange single blocks in, beside the teacher. */
  readonly contexts?: readonly SweepContext[];
  /** Of these models, what they said of every image is kept too. */
  readonly heard?: ((id: string) => boolean) | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: (progress: {
    fraction: number;
    note: string;
    metrics: Record<string, number>;
  }) => void;
}

export interface Swept extends SweepScores {
  /** Of the models that `heard` asks for. */
  readonly said: ReadonlyMap<string, Said>;
}

/**
 * Scores the teacher (id `teacher`), every descendant in the teacher's context, every other context with its variants
 * and every whole model, per image. Divergences and agreements are always from the teacher.
 *
 * The model of a context walks through a batch once. Where it has passed the attention of block i, the variants of
 * block i leave from there: own FFN, then the layers after it. So no layer before an exchanged block is computed twice
 * in a context, at most two activations [B, T, D] are kept, and in the last block only what the head reads remains. That is
 * about half of the arithmetic of whole forward passes (`bench/peers/evaluation.ts`). What is kept per model and batch are its
 * logits.
 *
 * Disposes the pixels of every batch, and nothing else that it was given.
 *
 * @throws BlockForgeError `not-finite`, naming the model and the image; `signal.reason` when aborted
 */
export async function sweep(options: SweepOptions): Promise<Swept> {
  const { model, descendants, models, contexts = [], images, heard, signal, onProgress } = options;
  const { judge = classJudge(model.architecture.classes) } = options;
  const ids: string[] = [];
  const teacherContext: SweepContext = {
    id: 'teacher',
    ffn: (block) => teacherFfn(model, block),
    variants: descendants,
  };
  const all = [teacherContext, ...contexts];
  const names = [teacherContext, ...descendants, ...models]
    .concat(contexts.flatMap((context) => [context, ...context.variants]))
    .map(({ id }) => id);
  const parts = new Map<string, Scores[]>(names.map((id) => [id, []]));
  const saidParts = new Map<string, Said[]>(names.filter((id) => heard?.(id)).map((id) => [id, []]));
  if (parts.size !== names.length) throw new Error('two models of a sweep share an id');
  const started = performance.now();
  for await (const batch of options.batches) {
    try {
      const logits = await batchLogits(model, all, models, batch.pixels, signal);
      const score = judge.against(known(logits, 'teacher'));
      for (const [id, values] of logits) {
        const scores = score(values, batch.labels);
        checkFinite(id, scores, batch.ids);
        known(parts, id).push(scores);
        saidParts.get(id)?.push(judge.said(values, batch.labels));
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
    said: new Map([...saidParts].map(([id, batches]) => [id, mergeSaid(batches)])),
  };
}

/** Logits [B * C] of every model on one batch, in the order they were reached. */
async function batchLogits(
  model: ModelTensors,
  contexts: readonly SweepContext[],
  models: SweepOptions['models'],
  pixels: tf.Tensor,
  signal: AbortSignal | undefined,
): Promise<Map<string, Float32Array>> {
  const logits = new Map<string, Float32Array>();
  const last = model.architecture.depth - 1;
  // Of the mixed stream of the last block, only what the head reads goes on.
  const forHead = (block: number, mixed: tf.Tensor): tf.Tensor => {
    if (block < last) return mixed;
    const rows = headRows(model, mixed);
    mixed.dispose();
    return rows;
  };
  const collect = async (
    id: string,
    block: number,
    attended: tf.Tensor,
    ffn: SweepContext['ffn'],
  ): Promise<void> => {
    const result = logitsFrom(model, block, attended, ffn);
    logits.set(id, (await result.data<'float32'>()).slice());
    result.dispose();
    // The engines compute inside the call: give decoding and Ctrl-C a turn between models.
    await setImmediate();
    signal?.throwIfAborted();
  };
  const walk = async ({ id, ffn, variants }: SweepContext, first: tf.Tensor): Promise<void> => {
    let attended = tf.clone(first);
    try {
      for (let block = 0; block <= last; block++) {
        for (const variant of variants) {
          if (variant.block !== block) continue;
          await collect(variant.id, block, attended, (index) => (index === block ? variant.ffn : ffn(index)));
        }
        if (block === last) await collect(id, block, attended, ffn);
        else {
          const before = attended;
          attended = forHead(block + 1, nextMixed(model, block, before, ffn(block)));
          before.dispose();
        }
      }
    } finally {
      attended.dispose();
    }
  };
  // What comes before the first FFN block is the same in all models.
  const first = forHead(0, enterEncoder(model, pixels));
  try {
    for (const context of contexts) await walk(context, first);
    for (const { id, ffn } of models) await collect(id, 0, first, ffn);
  } finally {
    first.dispose();
  }
  return logits;
}

function checkFinite(id: string, { kl }: Scores, ids: readonly string[]): void {
  const image = kl.findIndex((value) => !Number.isFinite(value));
  if (image < 0) return;
  fail({
    reason: 'not-finite',
    subject: `measuring ${id}`,
    found: `its output for image ${ids[image]} is not finite`,
    expected: 'finite answers',
    next: 'lower distill.learningRate, or give the same command again with --from distill',
  });
}
