import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type * as tf from '@tensorflow/tfjs-core';
import type { OpenSplit } from '../../../../datasets/batches.ts';
import type { SplitItem } from '../../../../datasets/contract.ts';
import type { ModelTensors } from '../../../model/backbone.ts';
import { predictFeatures } from '../../../submodels/training/predict-features.ts';
import type { Job, JobContext } from '../../../runner/contract.ts';
import { joined } from '../../../util/joined.ts';
import type { Json } from '../../../util/hash.ts';
import type { BatchHandling } from '../../common/artefacts.ts';
import { openSplit, openTeacher } from '../../common/open.ts';
import { files } from '../artefacts.ts';
import { openLearning } from './learning-images.ts';
import { readOutputs, writeOutputs, type ModelOutputs } from './model-outputs.ts';

export type TargetsSettings = {
  /** The teacher was trained here: its images are learned from, too. */
  readonly trains: boolean;
};

/** Images of a part that an interruption cannot lose. */
const imagesPerPart = 1024;

/**
 * What the teacher says of every image that sub-models learn from and are chosen by, once: no later job needs it in memory.
 * Reads: splits, teacher. Writes: logits [N, K] and pooled features [N, D] of the learning images and of the selection split.
 * Costs: a forward pass of these images. Resumes part by part.
 */
export async function run(
  { settings, handling }: Job<TargetsSettings, BatchHandling>,
  context: JobContext,
): Promise<Json> {
  const { images: access, batchSize } = handling;
  const learning = await openLearning(context, settings.trains, access);
  const selection = await openSplit(context, 'selection', access);
  const all = learning.items.length + selection.items.length;
  const teacher = await openTeacher(context);
  try {
    let done = 0;
    const told = (count: number) => {
      done += count;
      context.progress({ fraction: done / all, note: `${done} of ${all} images` });
    };
    const looks = [
      ['learning', learning, files.learningTargets],
      ['selection', selection, files.selectionTargets],
    ] as const;
    for (const [name, split, file] of looks) {
      const outputs = await outputsInParts(teacher, split, { name, batchSize, context, told });
      await writeOutputs(join(context.folder, file), outputs);
    }
  } finally {
    teacher.dispose();
  }
  return { learning: learning.items.length, selection: selection.items.length };
}

interface Parts {
  readonly name: string;
  readonly batchSize: number;
  readonly context: JobContext;
  readonly told: (images: number) => void;
}

async function outputsInParts(
  model: ModelTensors,
  split: OpenSplit,
  { name, batchSize, context, told }: Parts,
): Promise<ModelOutputs> {
  const parts: ModelOutputs[] = [];
  for (let start = 0; start < split.items.length; start += imagesPerPart) {
    const items = split.items.slice(start, start + imagesPerPart);
    const path = join(context.resumeFolder, `${name}-${start}.safetensors`);
    const part = existsSync(path)
      ? await readOutputs(path)
      : await outputsOf(model, split, items, batchSize, context.signal);
    if (!existsSync(path)) await writeOutputs(path, part);
    parts.push(part);
    told(items.length);
  }
  return {
    features: joined(parts.map(({ features }) => features)),
    logits: joined(parts.map(({ logits }) => logits)),
    count: split.items.length,
  };
}

/** Pooled features and logits of some images of a split, in their order. */
export async function outputsOf(
  model: ModelTensors,
  split: OpenSplit,
  items: readonly SplitItem[],
  batchSize: number,
  signal: AbortSignal,
): Promise<ModelOutputs> {
  const features: Float32Array[] = [];
  const logits: Float32Array[] = [];
  let count = 0;
  for await (const found of predictFeatures(model, pixelsOf(split, items, batchSize))) {
    features.push(found.features);
    logits.push(found.logits);
    count += found.count;
    signal.throwIfAborted();
  }
  return { features: joined(features), logits: joined(logits), count };
}

/** The images alone, batch by batch. Whoever takes a batch disposes it. */
export async function* pixelsOf(
  split: OpenSplit,
  items: readonly SplitItem[],
  batchSize: number,
): AsyncGenerator<tf.Tensor4D, void, undefined> {
  for await (const { pixels } of split.tensorBatches(items, batchSize)) yield pixels;
}
