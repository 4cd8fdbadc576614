/** What order and refit know of the blocks, from one pass of the teacher over calibration images without labels. */
import type * as tf from '@tensorflow/tfjs-core';
import type { BlockEvidence, Need } from '../compress/order/criterion.ts';
import { createClassShare } from '../compress/class-share.ts';
import { createStatistics, mergeStatistics, type StatisticsState } from '../compress/statistics.ts';
import type { Streams } from '../compress/streams.ts';
import { rowWeights, type TokenWeights } from '../compress/token-weights.ts';
import { createActiveRate, createSaliency, type UnitMeansState } from '../compress/unit-means.ts';
import { visitBlocks } from '../compress/visit.ts';
import { sampleLabels, visitGradients } from '../compress/visit-gradients.ts';
import { teacherFfn } from '../model/ffn-tensors.ts';
import { labelRandom, sampledRows, sampledTokens, type Calibration } from './calibration.ts';

/** Normalised pixels [B, S, S, C] and stable ids. */
export interface ImageBatch {
  readonly pixels: tf.Tensor4D;
  readonly ids: readonly string[];
}

/** Where block inputs go. */
export interface InputSink {
  /** Rows [n, D] of one batch for one block. */
  append(block: number, rows: Float32Array): Promise<void>;
}

export interface EvidenceOptions {
  readonly model: Streams['model'];
  readonly calibration: Calibration;
  /** Of every block's tokens. */
  readonly weights: readonly TokenWeights[];
  /** Beside the statistics; `saliency` costs about four forward passes more. */
  readonly needs: readonly Need[];
}

/** What is known of one block, as plain values: written at a checkpoint, given back to `restore`. */
export interface EvidenceState {
  readonly statistics: StatisticsState;
  readonly activeRate?: UnitMeansState | undefined;
  readonly saliency?: UnitMeansState | undefined;
}

export interface EvidenceCollector {
  /** One batch through the teacher: hidden units into the sums, inputs into `sink`. Disposes the pixels. */
  add(batch: ImageBatch, sink?: InputSink): Promise<void>;
  /** One batch of held-out images: their inputs alone. Disposes the pixels. */
  hold(batch: ImageBatch, sink: InputSink): Promise<void>;
  /** Of every block. */
  state(): EvidenceState[];
  restore(states: readonly EvidenceState[]): void;
  finish(): BlockEvidence[];
  /** Frees what the engine holds. */
  dispose(): void;
}

export function createEvidence({ model, calibration, weights, needs }: EvidenceOptions): EvidenceCollector {
  const { architecture } = model;
  const { hidden, depth } = architecture;
  const sampled = sampledTokens(calibration, architecture);
  const blocks = Array.from({ length: depth }, () => ({
    statistics: createStatistics(hidden),
    activeRate: needs.includes('activeRate') ? createActiveRate(hidden) : undefined,
    saliency: needs.includes('saliency') ? createSaliency(hidden) : undefined,
  }));
  const visit = async ({ pixels, ids }: ImageBatch, sink: InputSink | undefined, sums: boolean) => {
    const rows = sampledRows(calibration, architecture, ids);
    const ofRows = (block: number) => rowWeights(weights[block]!, rows.length, sampled);
    const inputs: Float32Array[] = [];
    visitBlocks(model, pixels, rows, (block, tokens) => {
      if (sink !== undefined) inputs.push(tokens.input.dataSync<'float32'>());
      if (!sums) return;
      const { statistics, activeRate } = blocks[block]!;
      statistics.add(tokens.hidden, ofRows(block));
      activeRate?.add(tokens.hidden, ofRows(block));
    });
    if (sums && needs.includes('saliency')) {
      const chooseLabels = (logits: Float32Array, classes: number) =>
        sampleLabels(logits, classes, (image) => labelRandom(calibration, ids[image]!));
      visitGradients(model, pixels, rows, chooseLabels, (block, { hidden: h, outputGradient }) => {
        const { fc2Kernel } = teacherFfn(model, block);
        blocks[block]!.saliency?.add(h, outputGradient, fc2Kernel, ofRows(block));
      });
    }
    pixels.dispose();
    if (sink !== undefined) await Promise.all(inputs.map((values, block) => sink.append(block, values)));
  };
  return {
    add: (batch, sink) => visit(batch, sink, true),
    hold: (batch, sink) => visit(batch, sink, false),
    state: () =>
      blocks.map(({ statistics, activeRate, saliency }) => ({
        statistics: statistics.state(),
        activeRate: activeRate?.state(),
        saliency: saliency?.state(),
      })),
    restore(states) {
      for (const [block, { statistics, activeRate, saliency }] of blocks.entries()) {
        const state = states[block]!;
        statistics.restore(state.statistics);
        if (state.activeRate !== undefined) activeRate?.restore(state.activeRate);
        if (state.saliency !== undefined) saliency?.restore(state.saliency);
      }
    },
    finish: () =>
      blocks.map(({ statistics, activeRate, saliency }) => ({
        statistics: statistics.finish(),
        activeRate: activeRate?.finish(),
        saliency: saliency?.finish(),
      })),
    dispose: () => blocks.forEach(({ statistics }) => statistics.dispose()),
  };
}

export interface EvidencePass {
  readonly training: AsyncIterable<ImageBatch>;
  readonly heldOut: AsyncIterable<ImageBatch>;
  /** Where the inputs of training images go, if anything trains on them. */
  readonly trainingInputs?: InputSink | undefined;
  readonly heldOutInputs: InputSink;
  /** After every batch; of training images, the collector may be asked for its state. */
  readonly onBatch: (images: number, of: 'training' | 'heldOut') => void | Promise<void>;
}

/** The pass over all images, the ones that are held out last. */
export async function collectEvidence(evidence: EvidenceCollector, pass: EvidencePass): Promise<void> {
  for await (const batch of pass.training) {
    await evidence.add(batch, pass.trainingInputs);
    await pass.onBatch(batch.ids.length, 'training');
  }
  for await (const batch of pass.heldOut) {
    await evidence.hold(batch, pass.heldOutInputs);
    await pass.onBatch(batch.ids.length, 'heldOut');
  }
}

/** The evidence of both token sets together. */
export function mergeEvidence(first: BlockEvidence, second: BlockEvidence): BlockEvidence {
  const [a, b] = [first.statistics.count, second.statistics.count];
  const means = (one: Float64Array | undefined, other: Float64Array | undefined) =>
    one === undefined || other === undefined || a + b === 0
      ? undefined
      : one.map((value, unit) => (a * value + b * other[unit]!) / (a + b));
  return {
    statistics: mergeStatistics(first.statistics, second.statistics),
    activeRate: means(first.activeRate, second.activeRate),
    saliency: means(first.saliency, second.saliency),
  };
}

/** The backward pass keeps more of an image than the forward pass. */
export const classShareBatchSize = 16;

/** Which part of every block's squared output gradient falls on the class token (`createClassShare`). Disposes the pixels. */
export async function measureClassShare(
  model: Streams['model'],
  calibration: Pick<Calibration, 'seed'>,
  batches: AsyncIterable<ImageBatch>,
  onBatch: (images: number) => void | Promise<void>,
): Promise<number[]> {
  const share = createClassShare(model);
  for await (const { pixels, ids } of batches) {
    share.add(pixels, (image) => labelRandom(calibration, ids[image]!));
    pixels.dispose();
    await onBatch(ids.length);
  }
  return share.finish();
}
