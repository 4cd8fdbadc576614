import * as tf from '@tensorflow/tfjs-core';
import { matrix } from '../../tensor/float64/matrix.ts';
import type { Tensors } from '../../tensor/optimizer.ts';
import { featureWidth } from '../../model/architecture.ts';
import { uploadWeights } from '../../model/upload.ts';
import { featureMoments } from '../fusion/feature-moments.ts';
import type { FusionLayer } from '../fusion/fusion-head.ts';
import { requireFusable } from '../fusion/require-fusable.ts';
import { standardisationOf, type Standardisation } from '../fusion/standardised.ts';
import { startTokens } from '../fusion/start-tokens.ts';
import { uploadLayers } from '../fusion/train-head.ts';
import { averagingOf } from '../training/averaging.ts';
import type { EnsembleData } from './as-one-model.ts';
import { disposeRun, restoreRun, startRun, type EnsembleRun } from './ensemble-run.ts';
import type { EnsembleTask } from './ensemble-task.ts';
import { fleetFeatures } from './fleet-features.ts';
import type { TrainingState } from '../../tensor/training-state.ts';

/** Widths of the features of all sub-models. */
export function widthsOf({ submodels }: Pick<EnsembleTask, 'submodels'>): number[] {
  return submodels.map(({ architecture }) => featureWidth(architecture));
}

/**
 * A training before its first step, its head in closed form over the features as they are; or where it was when it was saved.
 * Caller disposes the run.
 */
export async function beginRun(
  task: EnsembleTask,
  data: EnsembleData,
  saved?: TrainingState,
): Promise<EnsembleRun> {
  const isAveraged = averagingOf(task.settings) !== undefined;
  const uploaded: Tensors[] = [];
  try {
    for (const { weights, architecture } of task.submodels) {
      uploaded.push(uploadWeights(weights, architecture));
    }
    const start = saved ? blankStart(task) : await fittedStart(task, data, uploaded);
    uploaded.push(uploadLayers(start.layers));
    const run = startRun(uploaded, start.standardisation, start.ridge, isAveraged);
    // The run's from here on.
    uploaded.length = 0;
    try {
      if (saved) restoreRun(run, saved);
      return run;
    } catch (error) {
      disposeRun(run);
      throw error;
    }
  } finally {
    tf.dispose(uploaded.map((tensors) => ({ ...tensors })));
  }
}

interface Start {
  readonly layers: readonly FusionLayer[];
  readonly standardisation: Standardisation;
  readonly ridge: number;
}

async function fittedStart(
  task: EnsembleTask,
  { training, heldOut }: EnsembleData,
  uploaded: readonly Tensors[],
): Promise<Start> {
  const { submodels, targets, teacherHead, ridges, signal } = task;
  const { classes, width } = targets;
  const widths = widthsOf(task);
  task.onProgress?.({ fraction: 0, note: 'the features that training starts from', step: 0, metrics: {} });
  const fit = await fleetFeatures(task, Uint32Array.from(training.own), uploaded);
  const held = await fleetFeatures(task, heldOut, uploaded);
  requireFusable({ widths, classes, fit, heldOut: held, submodels: submodels.map(({ name }) => name) });
  const standardisation = standardisationOf(fit.features, widths, fit.images);
  const tokens = matrix(fit.images, width, Float64Array.from(fit.teacherFeatures));
  const moments = await featureMoments(fit, standardisation, widths, tokens, signal);
  const toTry = { widths, classes, heldOut: held, ridges, signal };
  const { head, ridge } = await startTokens(toTry, teacherHead, standardisation, moments);
  return { layers: head.layers, standardisation, ridge };
}

/** Of the right sizes, for what was saved to take its place. */
function blankStart(task: EnsembleTask): Start {
  const { targets } = task;
  const inputs = widthsOf(task).reduce((sum, width) => sum + width, 0);
  const blank = (from: number, to: number): FusionLayer => ({
    inputs: from,
    outputs: to,
    kernel: new Float32Array(from * to),
    bias: new Float32Array(to),
  });
  return {
    layers: [blank(inputs, targets.width), blank(targets.width, targets.classes)],
    standardisation: { mean: new Float32Array(inputs), scale: new Float32Array(inputs) },
    ridge: 0,
  };
}
