import * as tf from '@tensorflow/tfjs-core';
import type { HostWeights } from '../../model/host-weights.ts';
import { downloadWeights } from '../../model/upload.ts';
import { matrix } from '../../tensor/float64/matrix.ts';
import type { Tensors } from '../../tensor/optimizer.ts';
import { featureMoments } from '../fusion/feature-moments.ts';
import type { FusionHead, FusionLayer } from '../fusion/fusion-head.ts';
import { precisionOf } from '../fusion/ridge-fit.ts';
import { sharpened } from '../fusion/sharpened.ts';
import { standardisationOf, type Standardisation } from '../fusion/standardised.ts';
import type { EnsembleData } from './as-one-model.ts';
import { widthsOf } from './begin-run.ts';
import type { EnsembleRun, HostPart } from './ensemble-run.ts';
import type { EnsembleTask, TrainedEnsemble } from './ensemble-task.ts';
import { fleetFeatures } from './fleet-features.ts';

/**
 * What a training gives: the best weights, and their head with the statistics of the features that they now send: how these are
 * standardised, which leaves the function as it is, and what absent ones are imputed by.
 */
export async function conclude(
  task: EnsembleTask,
  data: EnsembleData,
  { best, history, steps, ridge, standardisation, parts }: EnsembleRun,
): Promise<TrainedEnsemble> {
  const [start] = history;
  if (best === undefined || start === undefined) throw new Error('a training without a look');
  const { submodels, targets, signal } = task;
  const widths = widthsOf(task);
  const uploaded: Tensors[] = [];
  const weights: HostWeights[] = [];
  try {
    for (const [place] of submodels.entries()) {
      uploaded.push(uploadPart(best.parts[place]!, parts[place]!.parameters));
    }
    for (const [place, { architecture }] of submodels.entries()) {
      weights.push(await downloadWeights(uploaded[place]!, architecture));
    }
    const fit = await fleetFeatures(task, Uint32Array.from(data.training.own), uploaded);
    const heldOut = await fleetFeatures(task, data.heldOut, uploaded);
    const next = standardisationOf(fit.features, widths, fit.images);
    const none = matrix(fit.images, 0);
    const moments = await featureMoments(fit, next, widths, none, signal);
    const [toToken, toClasses] = layersOf(best.parts[submodels.length]!, targets.width);
    const head: FusionHead = {
      kind: 'tokens',
      classes: targets.classes,
      submodels: submodels.map(({ name }) => name),
      widths,
      ...next,
      precision: precisionOf(moments, ridge),
      activation: 'identity',
      layers: [overOther(toToken, standardisation, next), toClasses],
    };
    const images = { training: data.training.own.length, heldOut: data.heldOut.length };
    return {
      weights,
      head: sharpened(head, { heldOut, classes: targets.classes }),
      history,
      start,
      best: best.look,
      steps,
      images,
    };
  } finally {
    tf.dispose(uploaded.map((tensors) => ({ ...tensors })));
  }
}

/** Caller disposes. */
function uploadPart(part: HostPart, like: Tensors): Tensors {
  return Object.fromEntries(
    Object.entries(like).map(([name, { shape }]) => [name, tf.tensor(part[name]!, shape)]),
  );
}

/**
 * The same function of the features where these are standardised otherwise: with `z = (f - m) s` before and `z'` after,
 * `z = z' s / s' + (m' - m) s`. A feature that now never changes is its mean.
 */
export function overOther(
  { inputs, outputs, kernel, bias }: FusionLayer,
  before: Standardisation,
  after: Standardisation,
): FusionLayer {
  const sums = Float64Array.from(bias);
  const next = new Float32Array(kernel.length);
  for (let i = 0; i < inputs; i++) {
    const [was, is] = [before.scale[i]!, after.scale[i]!];
    const factor = is === 0 ? 0 : was / is;
    const shift = (after.mean[i]! - before.mean[i]!) * was;
    for (let j = 0; j < outputs; j++) {
      const value = kernel[i * outputs + j]!;
      next[i * outputs + j] = value * factor;
      sums[j]! += value * shift;
    }
  }
  return { inputs, outputs, kernel: next, bias: Float32Array.from(sums) };
}

function layersOf(part: HostPart, width: number): [FusionLayer, FusionLayer] {
  const layer = (index: number, outputs: number): FusionLayer => {
    const kernel = part[`kernel-${index}`]!;
    return { inputs: kernel.length / outputs, outputs, kernel, bias: part[`bias-${index}`]! };
  };
  return [layer(0, width), layer(1, part['bias-1']!.length)];
}
