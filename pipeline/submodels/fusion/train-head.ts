import { setImmediate as nextTurn } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-core';
import { createLossLog, failNotFinite } from '../../tensor/loss-log.ts';
import { assertFlat } from '../../tensor/memory.ts';
import { adamInit, adamUpdate, disposeAdam, type AdamState, type Tensors } from '../../tensor/optimizer.ts';
import { scheduleMultiplier } from '../../tensor/schedule.ts';
import { random, type Random } from '../../util/random.ts';
import type { FusionLayer } from './fusion-head.ts';
import type { FusionProgress } from './fusion-task.ts';
import { crossEntropyOf, top1Of } from './score.ts';

export interface HeadTask {
  /** As its settings are called: `fusion.<name>`. */
  readonly name: 'tower' | 'tokens';
  /** How many it is trained on. */
  readonly images: number;
  /** Where training starts. */
  readonly layers: readonly FusionLayer[];
  /** Loss and gradient by parameter, `kernel-0`, `bias-0`, ..., of the images `rows`. They are the caller's. */
  readonly gradients: (
    rows: Int32Array,
    chance: Random,
    parameters: Tensors,
  ) => { readonly loss: tf.Scalar; readonly gradients: Tensors };
  /** Of the held-out images [n, K]. Run inside a tidy. */
  readonly heldOutLogits: (parameters: Tensors) => tf.Tensor;
  /** [n] */
  readonly heldOutLabels: Int32Array;
  /** K */
  readonly classes: number;
  readonly settings: {
    readonly epochs: number;
    readonly batchSize: number;
    readonly learningRate: number;
    readonly warmupShare: number;
    readonly weightDecay: number;
    readonly patience: number;
  };
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: FusionProgress) => void) | undefined;
}

export interface TrainedHead {
  readonly layers: readonly FusionLayer[];
  /** Of the weights that are kept, from 1; 0 where no epoch was better than the beginning. */
  readonly epoch: number;
}

const clipNorm = 1;

/**
 * Trains the layers of a head on features in memory, by AdamW with decay on kernels, warm-up and cosine, and keeps them as they
 * were after the epoch that is best on held-out images: by top-1, ties by cross-entropy. Equal tasks give equal weights on one
 * engine. Leaves no tensor behind.
 *
 * @throws `signal.reason` on abort; BlockForgeError `not-finite`
 */
export async function trainHead(task: HeadTask): Promise<TrainedHead> {
  const { settings, seed, signal, heldOutLabels, classes } = task;
  const size = Math.min(settings.batchSize, task.images);
  const steps = Math.floor(task.images / size) * settings.epochs;
  const schedule = { name: 'cosine', steps, warmupSteps: Math.round(steps * settings.warmupShare) } as const;
  const adam = { weightDecay: settings.weightDecay, decays: isKernel, clipNorm };
  const losses = createLossLog();
  let parameters: Tensors = uploadLayers(task.layers);
  let state: AdamState = adamInit(parameters);
  try {
    const checkTensors = assertFlat('training a fusion head');
    let best = lookAt(parameters);
    let kept = { layers: downloadLayers(parameters), epoch: 0 };
    let step = 0;
    for (let epoch = 1; epoch <= settings.epochs; epoch++) {
      const chance = random(seed, 'fusion', 'epoch', epoch);
      const order = chance.shuffle(Int32Array.from({ length: task.images }, (_, image) => image));
      for (let from = 0; from + size <= task.images; from += size) {
        await nextTurn();
        signal.throwIfAborted();
        const { loss, gradients } = task.gradients(order.subarray(from, from + size), chance, parameters);
        const rate = settings.learningRate * scheduleMultiplier(schedule, step++);
        ({ parameters, state } = adamUpdate(adam, rate, parameters, gradients, state));
        losses.push([loss]);
        if (losses.isFull) readLosses(step);
      }
      const loss = readLosses(step);
      checkTensors();
      const look = lookAt(parameters);
      if (isBetter(look, best)) {
        best = look;
        kept = { layers: downloadLayers(parameters), epoch };
      }
      task.onProgress?.({
        fraction: epoch / settings.epochs,
        note: `${task.name}, epoch ${epoch}/${settings.epochs}`,
        metrics: { loss, heldOutTop1: look.top1 },
      });
      if (epoch - kept.epoch >= settings.patience) break;
    }
    return kept;
  } finally {
    losses.dispose();
    tf.dispose(Object.values(parameters));
    disposeAdam(state);
  }

  /** The mean of those that wait. */
  function readLosses(step: number): number {
    const count = losses.steps;
    const values = losses.drain((loss, place) =>
      failNotFinite(
        'training the fusion head',
        `the loss is ${loss} at step ${step - count + place + 1}`,
        `lower fusion.${task.name}.learningRate and run again`,
      ),
    );
    return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  }

  function lookAt(parameters: Tensors): HeadLook {
    const logits = tf.tidy(() => task.heldOutLogits(parameters).dataSync<'float32'>());
    return {
      top1: top1Of(logits, heldOutLabels, classes),
      crossEntropy: crossEntropyOf(logits, heldOutLabels, classes),
    };
  }
}

interface HeadLook {
  readonly top1: number;
  readonly crossEntropy: number;
}

/** The rule by which held-out images choose. */
export function isBetter(a: HeadLook, b: HeadLook): boolean {
  return a.top1 > b.top1 || (a.top1 === b.top1 && a.crossEntropy < b.crossEntropy);
}

export function isKernel(name: string): boolean {
  return name.startsWith('kernel');
}

/** `kernel-0` [in, out], `bias-0` [out], ... Caller disposes. */
export function uploadLayers(layers: readonly FusionLayer[]): Tensors {
  return Object.fromEntries(
    layers.flatMap(({ inputs, outputs, kernel, bias }, layer): [string, tf.Tensor][] => [
      [`kernel-${layer}`, tf.tensor2d(kernel, [inputs, outputs])],
      [`bias-${layer}`, tf.tensor1d(bias)],
    ]),
  );
}

/** The inverse of `uploadLayers`; the tensors stay the caller's. */
export function downloadLayers(parameters: Tensors): FusionLayer[] {
  return Array.from({ length: Object.keys(parameters).length / 2 }, (_, layer) => {
    const kernel = parameters[`kernel-${layer}`]!;
    const [inputs, outputs] = kernel.shape as [number, number];
    const bias = parameters[`bias-${layer}`]!.dataSync<'float32'>();
    return { inputs, outputs, kernel: kernel.dataSync<'float32'>().slice(), bias: bias.slice() };
  });
}
