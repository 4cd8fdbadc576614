import { setImmediate as nextTurn } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-core';
import { createLossLog, failNotFinite } from '../../tensor/loss-log.ts';
import { assertFlat } from '../../tensor/memory.ts';
import { adamInit, adamUpdate, disposeAdam, type AdamState, type Tensors } from '../../tensor/optimizer.ts';
import { scheduleMultiplier } from '../../tensor/schedule.ts';
import { random } from '../../util/random.ts';
import { absenceMap } from './absence-map.ts';
import type { FusionLayer } from './fusion-head.ts';
import type { FusionProgress } from './fusion-task.ts';
import type { TowerConfig } from './schema.ts';
import { crossEntropyOf, top1Of } from './score.ts';
import { disposeBatch, towerBatch, type TowerExamples } from './tower-batches.ts';
import { towerGradients, towerLogits } from './tower-step.ts';

export interface TowerTask {
  readonly fit: TowerExamples;
  readonly heldOut: Pick<TowerExamples, 'images' | 'x' | 'labels'>;
  /** [F, F] */
  readonly precision: Float32Array;
  readonly settings: TowerConfig;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onProgress?: ((progress: FusionProgress) => void) | undefined;
}

export interface Tower {
  readonly layers: readonly FusionLayer[];
  /** Of the weights that are kept, from 1; 0 where no epoch was better than the beginning. */
  readonly epoch: number;
}

const clipNorm = 1;

/** Units by hidden layer: each `shrink` times the one before, never fewer than there are classes. */
export function hiddenUnits(width: number, classes: number, { layers, shrink }: TowerConfig): number[] {
  return Array.from({ length: layers }, (_, i) => Math.max(classes, Math.round(width * shrink ** (i + 1))));
}

/**
 * A shrinking MLP over all features (EC-SNN, IJCAI 2024: F, F / 2, ..., K with dropout), trained also with sub-models absent
 * from single images, and kept as it was after the epoch that is best on held-out images. Equal tasks give equal weights on
 * one engine. Leaves no tensor behind.
 *
 * @throws `signal.reason` on abort; BlockForgeError `not-finite`
 */
export async function trainTower(task: TowerTask): Promise<Tower> {
  const { fit, heldOut, settings, seed, signal } = task;
  const { classes, widths } = fit;
  const width = widths.reduce((sum, own) => sum + own, 0);
  const hidden = hiddenUnits(width, classes, settings);
  const rules = {
    activation: settings.activation,
    layers: hidden.length + 1,
    teacherWeight: settings.teacherWeight,
    temperature: settings.temperature,
  };
  const size = Math.min(settings.batchSize, fit.images);
  const perEpoch = Math.floor(fit.images / size);
  const steps = perEpoch * settings.epochs;
  const schedule = { name: 'cosine', steps, warmupSteps: Math.round(steps * settings.warmupShare) } as const;
  const adam = { weightDecay: settings.weightDecay, decays: isKernel, clipNorm };
  const losses = createLossLog();
  let parameters: Tensors = initial([width, ...hidden, classes], seed);
  let state: AdamState = adamInit(parameters);
  const map = tf.tensor2d(absenceMap(task.precision, widths), [width, width]);
  const held = tf.tensor2d(heldOut.x, [heldOut.images, width]);
  try {
    const checkTensors = assertFlat('training a fusion head');
    let best = lookAt(parameters);
    let kept = { layers: download(parameters), epoch: 0 };
    let step = 0;
    for (let epoch = 1; epoch <= settings.epochs; epoch++) {
      const chance = random(seed, 'fusion', 'epoch', epoch);
      const order = chance.shuffle(Int32Array.from({ length: fit.images }, (_, image) => image));
      for (let from = 0; from + size <= fit.images; from += size) {
        await nextTurn();
        signal.throwIfAborted();
        const batch = towerBatch(fit, order.subarray(from, from + size), hidden, settings, chance);
        const { loss, gradients } = towerGradients(batch, parameters, map, rules);
        disposeBatch(batch);
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
        kept = { layers: download(parameters), epoch };
      }
      task.onProgress?.({
        fraction: epoch / settings.epochs,
        note: `tower, epoch ${epoch}/${settings.epochs}`,
        metrics: { loss, heldOutTop1: look.top1 },
      });
      if (epoch - kept.epoch >= settings.patience) break;
    }
    return kept;
  } finally {
    losses.dispose();
    tf.dispose([map, held, ...Object.values(parameters)]);
    disposeAdam(state);
  }

  /** The mean of those that wait. */
  function readLosses(step: number): number {
    const count = losses.steps;
    const values = losses.drain((loss, place) =>
      failNotFinite(
        'training the fusion head',
        `the loss is ${loss} at step ${step - count + place + 1}`,
        'lower fusion.tower.learningRate and run again',
      ),
    );
    return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
  }

  function lookAt(parameters: Tensors): { top1: number; crossEntropy: number } {
    const logits = tf.tidy(() => towerLogits(held, parameters, rules).dataSync<'float32'>());
    return {
      top1: top1Of(logits, heldOut.labels, classes),
      crossEntropy: crossEntropyOf(logits, heldOut.labels, classes),
    };
  }
}

function isBetter(
  a: { top1: number; crossEntropy: number },
  b: { top1: number; crossEntropy: number },
): boolean {
  return a.top1 > b.top1 || (a.top1 === b.top1 && a.crossEntropy < b.crossEntropy);
}

function isKernel(name: string): boolean {
  return name.startsWith('kernel');
}

/** Normal with variance 2 / inputs (He et al. 2015), the last layer's half of it; biases zero. */
function initial(units: readonly number[], seed: number): Tensors {
  const tensors: Record<string, tf.Tensor> = {};
  for (let layer = 0; layer < units.length - 1; layer++) {
    const [inputs, outputs] = [units[layer]!, units[layer + 1]!];
    const stream = random(seed, 'fusion', 'tower', layer);
    const deviation = Math.sqrt((layer === units.length - 2 ? 1 : 2) / inputs);
    const kernel = Float32Array.from({ length: inputs * outputs }, () => deviation * stream.normal());
    tensors[`kernel-${layer}`] = tf.tensor2d(kernel, [inputs, outputs]);
    tensors[`bias-${layer}`] = tf.zeros([outputs]);
  }
  return tensors;
}

function download(parameters: Tensors): FusionLayer[] {
  return Array.from({ length: Object.keys(parameters).length / 2 }, (_, layer) => {
    const kernel = parameters[`kernel-${layer}`]!;
    const [inputs, outputs] = kernel.shape as [number, number];
    const bias = parameters[`bias-${layer}`]!.dataSync<'float32'>();
    return { inputs, outputs, kernel: kernel.dataSync<'float32'>().slice(), bias: bias.slice() };
  });
}
