/** What order and refit know of the blocks, from one pass of the teacher over calibration images without labels. */
import type * as tf from '@tensorflow/tfjs-core';
import { needs as allNeeds, type BlockEvidence, type Need } from '../compress/order/criterion.ts';
import { createClassShare } from '../compress/class-share.ts';
import { createStatistics, mergeStatistics, type StatisticsState } from '../compress/statistics.ts';
import type { ModelTensors } from '../model/backbone.ts';
import { rowWeights, type TokenWeights } from '../compress/token-weights.ts';
import { unitMeans, type UnitMeansState } from '../compress/unit-means.ts';
import { visitBlocks } from '../compress/visit.ts';
import { drawnSlopes, visitGradients } from '../compress/visit-gradients.ts';
import { hiddenUnits, prefixTokens } from '../model/architecture.ts';
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
  readonly model: ModelTensors;
  readonly calibration: Calibration;
  /** Of every block's tokens. */
  readonly weights: readonly TokenWeights[];
  /** Beside the statistics. */
  readonly needs: readonly Need[];
}

/** What is known of one block, as plain values: written at a checkpoint, given back to `restore`. */
export type EvidenceState = { readonly statistics: StatisticsState } & {
  readonly [Asked in Need]?: UnitMeansState | undefined;
};

export interface EvidenceCollector {
  /** One batch through the teacher: hidden units into the sums. Disposes the pixels. */
  add(batch: ImageBatch): Promise<void>;
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
  const blocks = hiddenUnits(architecture).map((hidden) => ({
    statistics: createStatistics(hidden),
    means: needs.map((need) => ({ need, ...unitMeans[need], sums: unitMeans[need].create(hidden) })),
  }));
  const isBackWanted = needs.some((need) => unitMeans[need].pass === 'back');
  const visit = async ({ pixels, ids }: ImageBatch, sink: InputSink | undefined, isCounted: boolean) => {
    const rows = (block: number) => sampledRows(calibration, architecture, ids, block);
    const ofRows = (block: number) => {
      const sampled = sampledTokens(calibration, architecture, block);
      return rowWeights(weights[block]!, ids.length * sampled, sampled);
    };
    const inputs: Float32Array[] = [];
    visitBlocks(model, pixels, rows, (block, tokens) => {
      if (sink !== undefined) inputs.push(tokens.input.dataSync<'float32'>());
      if (!isCounted) return;
      const { statistics, means } = blocks[block]!;
      statistics.add(tokens.hidden, ofRows(block));
      for (const { pass, sums } of means) if (pass === 'forth') sums.add(tokens, ofRows(block));
    });
    if (isCounted && isBackWanted) {
      const slopes = drawnSlopes(model.architecture, (image) => labelRandom(calibration, ids[image]!));
      visitGradients(model, pixels, rows, slopes, (block, { hidden: h, outputGradient }) => {
        const back = { outputGradient, fc2Kernel: teacherFfn(model, block).fc2Kernel };
        for (const { pass, sums } of blocks[block]!.means) {
          if (pass === 'back') sums.add({ hidden: h, back }, ofRows(block));
        }
      });
    }
    pixels.dispose();
    if (sink !== undefined) await Promise.all(inputs.map((values, block) => sink.append(block, values)));
  };
  return {
    add: (batch) => visit(batch, undefined, true),
    hold: (batch, sink) => visit(batch, sink, false),
    state: () =>
      blocks.map(({ statistics, means }) => ({
        statistics: statistics.state(),
        ...Object.fromEntries(means.map(({ need, sums }) => [need, sums.state()])),
      })),
    restore(states) {
      for (const [block, { statistics, means }] of blocks.entries()) {
        const state = states[block]!;
        statistics.restore(state.statistics);
        for (const { need, sums } of means) if (state[need] !== undefined) sums.restore(state[need]);
      }
    },
    finish: () =>
      blocks.map(({ statistics, means }) => ({
        statistics: statistics.finish(),
        ...Object.fromEntries(means.map(({ need, sums }) => [need, sums.finish()])),
      })),
    dispose: () => blocks.forEach(({ statistics }) => statistics.dispose()),
  };
}

export interface EvidencePass {
  readonly training: AsyncIterable<ImageBatch>;
  readonly heldOut: AsyncIterable<ImageBatch>;
  readonly heldOutInputs: InputSink;
  /** After every batch; of training images, the collector may be asked for its state. */
  readonly onBatch: (images: number, of: 'training' | 'heldOut') => void | Promise<void>;
}

/** The pass over all images, the ones that are held out last. */
export async function collectEvidence(evidence: EvidenceCollector, pass: EvidencePass): Promise<void> {
  for await (const batch of pass.training) {
    await evidence.add(batch);
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
  const merged = allNeeds.flatMap((need) => {
    const [one, other] = [first[need], second[need]];
    return one === undefined || other === undefined || a + b === 0
      ? []
      : [[need, one.map((value, unit) => (a * value + b * other[unit]!) / (a + b))] as const];
  });
  return {
    statistics: mergeStatistics(first.statistics, second.statistics),
    ...Object.fromEntries(merged),
  };
}

/** The backward pass keeps more of an image than the forward pass. */
export const classShareBatchSize = 16;

/**
 * Which part of every block's squared output gradient falls on the class token (`createClassShare`); null in a family that
 * has nothing before its patches, and then no image is looked at. Disposes the pixels.
 */
export async function measureClassShare(
  model: ModelTensors,
  calibration: Pick<Calibration, 'seed'>,
  batches: AsyncIterable<ImageBatch>,
  onBatch: (images: number) => void | Promise<void>,
): Promise<number[] | null> {
  if (prefixTokens(model.architecture) === 0) return null;
  const share = createClassShare(model);
  for await (const { pixels, ids } of batches) {
    share.add(pixels, (image) => labelRandom(calibration, ids[image]!));
    pixels.dispose();
    await onBatch(ids.length);
  }
  return share.finish();
}
