import * as tf from '@tensorflow/tfjs-core';
import type { SubmodelBatch } from '../training/training-batches.ts';
import type { EnsembleData } from './as-one-model.ts';
import { disposeBatch, ensembleBatch } from './ensemble-batch.ts';
import type { EnsembleRun } from './ensemble-run.ts';
import { ensembleStep, type StepSettings } from './ensemble-step.ts';
import type { EnsembleTask } from './ensemble-task.ts';

/** Makes steps of one run, with what stays the same on the engine. */
export interface Stepper {
  /** Moves the run by one step. Takes over the batch; the loss is the caller's. */
  step(run: EnsembleRun, batch: SubmodelBatch, settings: Omit<StepSettings, 'step'>): tf.Scalar;
  dispose(): void;
}

export function createStepper(
  task: EnsembleTask,
  data: EnsembleData,
  { standardisation }: Pick<EnsembleRun, 'standardisation'>,
): Stepper {
  const mean = tf.tensor1d(standardisation.mean);
  const scale = tf.tensor1d(standardisation.scale);
  const rules = { weights: task.settings.weights, variance: data.scale.deviation ** 2 };
  const facts = { submodels: task.submodels, rules, mean, scale };
  return {
    step(run, batch, settings) {
      const own = ensembleBatch(task, data, batch, run.step);
      const { parts, loss } = ensembleStep(run.parts, facts, own, { ...settings, step: run.step + 1 });
      disposeBatch(own);
      run.parts = parts;
      run.step++;
      return loss;
    },
    dispose: () => tf.dispose([mean, scale]),
  };
}
