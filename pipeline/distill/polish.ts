/**
 * A short end-to-end distillation of one whole composition: the FFN weights of all blocks learn together what the teacher
 * says of the same images, without labels; embedding, attention, norms and head stay the teacher's. Its gradient goes
 * through the whole model undamped, where that of distillation fades from block to block (`lookahead`). Loss per image: `KL(teacher || student)` of the class
 * probabilities (Hinton et al. 2015, at temperature 1) and `1 - cos` of the normalised class tokens; of models that answer with features
 * `1 - cos` of these in place of KL.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-core';
import { summedDivergence } from '../measure/divergence.ts';
import { ffnNames, partOf, partsOf, type FfnWeights } from '../model/ffn-weights.ts';
import type { ModelTensors } from '../model/backbone.ts';
import { forward } from '../model/encoder.ts';
import { downloadFfn, teacherFfn, uploadFfn } from '../model/ffn-tensors.ts';
import { createLossLog, failNotFinite } from '../tensor/loss-log.ts';
import { assertFlat } from '../tensor/memory.ts';
import {
  adamInit,
  adamUpdate,
  disposeAdam,
  exportAdam,
  importAdam,
  type AdamState,
  type Tensors,
} from '../tensor/optimizer.ts';
import { recorded } from '../tensor/recorded/recorded.ts';
import { scheduleMultiplier } from '../tensor/schedule.ts';
import { unitRows } from '../tensor/unit-rows.ts';
import type { TrainingProgress } from '../tensor/training-progress.ts';
import type { TrainingCheckpoint, TrainingState } from '../tensor/training-state.ts';

export interface PolishSettings {
  readonly steps: number;
  readonly learningRate: number;
  /** Share of the steps in which the rate grows to its full value; it then falls along a cosine. */
  readonly warmupShare: number;
  /** Decoupled, on kernels. */
  readonly weightDecay: number;
  /** Of `1 - cos` beside the divergence; 0 leaves it out. */
  readonly hiddenWeight: number;
}

export interface PolishTask {
  /** The teacher; not changed. */
  readonly model: ModelTensors;
  /** One per block: the composition to start from. */
  readonly ffns: readonly FfnWeights[];
  /**
   * Normalised pixels [B, S, S, C] from a step on, the same for the same step, made when asked for, at least as many as
   * there are steps. Disposed here.
   */
  readonly batches: (firstStep: number) => AsyncIterable<tf.Tensor4D>;
  readonly settings: PolishSettings;
  readonly signal: AbortSignal;
  readonly checkpoint: TrainingCheckpoint;
  /** Seconds between checkpoints; default 30. */
  readonly checkpointSeconds?: number;
  /** Metrics: loss, the mean since the last report. */
  readonly onProgress?: (progress: TrainingProgress) => void;
}

export interface PolishResult {
  /** As trained last, in the order of the blocks; whether they are better is for a measurement to say. */
  readonly ffns: readonly FfnWeights[];
  /** Of every step. */
  readonly losses: readonly number[];
}

interface PolishRun {
  /** The trained weights by canonical name, kernels [in, out]. */
  parameters: Tensors;
  adam: AdamState;
  readonly losses: number[];
}

const clipNorm = 1;

/**
 * Equal tasks give equal weights on one engine and thread count, interrupted or not. On abort it checkpoints and throws
 * `signal.reason`. Leaves no tensor behind.
 *
 * @throws BlockForgeError `not-finite` with the step.
 */
export async function polishComposition(task: PolishTask): Promise<PolishResult> {
  const { model, settings, signal } = task;
  const { steps } = settings;
  if (task.ffns.length !== model.architecture.depth) {
    throw new Error(`${task.ffns.length} FFN blocks for ${model.architecture.depth} layers`);
  }
  const adam = { weightDecay: settings.weightDecay, decays: isKernel, clipNorm };
  const schedule = { name: 'cosine', steps, warmupSteps: Math.round(steps * settings.warmupShare) } as const;
  const waiting = createLossLog();
  const run = start(task.ffns);
  const readLosses = (): void => {
    const values = waiting.drain((loss, place) =>
      failNotFinite(
        'polishing the composition',
        `the loss is ${loss} at step ${run.losses.length + place + 1}`,
        'lower the learning rate of polishing and run again',
      ),
    );
    run.losses.push(...values);
    if (values.length === 0) return;
    const loss = values.reduce((a, b) => a + b, 0) / values.length;
    const step = run.losses.length;
    task.onProgress?.({ fraction: step / steps, note: `step ${step}/${steps}`, step, metrics: { loss } });
  };
  try {
    const saved = await task.checkpoint.load();
    if (saved !== undefined) restore(run, saved);
    const checkTensors = assertFlat('polishing');
    let savedAt = performance.now();
    let step = run.losses.length;
    const batches = task.batches(step)[Symbol.asyncIterator]();
    try {
      while (step < steps) {
        await nextTurn();
        if (signal.aborted) {
          readLosses();
          await task.checkpoint.save(save(run));
          throw signal.reason;
        }
        const next = await batches.next();
        if (next.done === true) throw new Error(`the batches end after step ${step} of ${steps}`);
        const { value: loss, gradients } = lossAndGradients(
          model,
          run.parameters,
          next.value,
          settings.hiddenWeight,
        );
        next.value.dispose();
        const rate = settings.learningRate * scheduleMultiplier(schedule, step);
        const after = adamUpdate(adam, rate, run.parameters, gradients, run.adam);
        run.parameters = after.parameters;
        run.adam = after.state;
        waiting.push([loss]);
        step++;
        const isSave = performance.now() - savedAt >= (task.checkpointSeconds ?? 30) * 1000;
        if (isSave || step === steps || waiting.isFull) {
          readLosses();
          checkTensors();
        }
        if (isSave) {
          await task.checkpoint.save(save(run));
          savedAt = performance.now();
        }
      }
    } finally {
      await batches.return?.();
    }
    const ffns: FfnWeights[] = [];
    for (let block = 0; block < task.ffns.length; block++) {
      ffns.push(await downloadFfn(teacherFfn({ ...model, weights: run.parameters }, block)));
    }
    return { ffns, losses: run.losses };
  } finally {
    waiting.dispose();
    tf.dispose(Object.values(run.parameters));
    disposeAdam(run.adam);
  }
}

/** The batch's mean loss and its gradient by parameter. pixels [B, S, S, C]. Caller disposes. */
export function lossAndGradients(
  model: ModelTensors,
  parameters: Tensors,
  pixels: tf.Tensor4D,
  hiddenWeight: number,
): { value: tf.Scalar; gradients: Tensors } {
  const own = Object.keys(model.weights);
  const names = Object.keys(parameters);
  const capture = ['pooled'] as const;
  const [value, ...grads] = recorded(
    `polishing ${JSON.stringify(model.architecture)} ${hiddenWeight} ${own.join()} ${names.join()}`,
    [pixels, ...own.map((name) => model.weights[name]!), ...names.map((name) => parameters[name]!)],
    ([pixels, ...tensors]) => {
      const weights = Object.fromEntries(own.map((name, index) => [name, tensors[index]!]));
      const teacher = forward({ ...model, weights }, pixels, { capture });
      const divergenceOf = summedDivergence(model.architecture, teacher.logits);
      const aim = unitRows(teacher.features.pooled);
      const { value, grads } = tf.valueAndGrads((...tensors: tf.Tensor[]) => {
        const trained = Object.fromEntries(names.map((name, index) => [name, tensors[index]!]));
        const student = forward({ ...model, weights: { ...weights, ...trained } }, pixels, { capture });
        const divergence = divergenceOf(student.logits);
        const agreement = tf.sum(tf.mul(aim, unitRows(student.features.pooled)));
        const images = pixels.shape[0];
        const hidden = tf.mul(tf.sub(images, agreement), hiddenWeight);
        return tf.div<tf.Scalar>(tf.add(divergence, hidden), images);
      })(tensors.slice(own.length));
      return [value, ...grads];
    },
  );
  const gradients = Object.fromEntries(names.map((name, index) => [name, grads[index]!]));
  return { value: value as tf.Scalar, gradients };
}

function isKernel(name: string): boolean {
  return name.endsWith('.weight');
}

function start(ffns: readonly FfnWeights[]): PolishRun {
  const parameters: Record<string, tf.Tensor> = {};
  for (const [block, ffn] of ffns.entries()) {
    const tensors = uploadFfn(ffn);
    const names = ffnNames(block);
    for (const part of partsOf(tensors)) parameters[names[part]] = partOf(tensors, part);
  }
  return { parameters, adam: adamInit(parameters), losses: [] };
}

function save({ parameters, adam, losses }: PolishRun): TrainingState {
  const tensors = exportAdam(adam);
  for (const [name, tensor] of Object.entries(parameters)) tensors[name] = tensor.dataSync<'float32'>();
  return { meta: { losses: [...losses] }, tensors };
}

/** @throws Error where the state is of another composition. */
function restore(run: PolishRun, { meta, tensors }: TrainingState): void {
  const { losses } = meta as unknown as { losses: number[] };
  const adam = importAdam(losses.length, tensors, run.parameters);
  const parameters = Object.fromEntries(
    Object.entries(run.parameters).map(([name, { shape }]) => [
      name,
      tf.tensor(tensors[name]!.slice(), shape),
    ]),
  );
  tf.dispose(Object.values(run.parameters));
  disposeAdam(run.adam);
  run.parameters = parameters;
  run.adam = adam;
  run.losses.push(...losses);
}
