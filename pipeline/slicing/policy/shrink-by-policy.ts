import type * as tf from '@tensorflow/tfjs-core';
import { familyName } from '../../model/architecture.ts';
import { slicedVitFamily } from '../../model/family/sliced-vit.ts';
import { classTargets } from '../class-targets.ts';
import { cutModel, type Kept } from '../cut.ts';
import { divergenceFrom, expectedLogits } from '../divergence.ts';
import { foldVit } from '../fold.ts';
import { limited } from '../limited.ts';
import { modelSensitivity } from '../model-sensitivity.ts';
import { refitModel } from '../refit-model.ts';
import { requireFinite } from '../require-finite.ts';
import type { SliceResult, SliceTask } from '../slice-task.ts';
import type { SlicedModel } from '../sliced-model.ts';
import { drawPolicies, type Policy } from './draw-policies.ts';
import { grouped } from './grouped.ts';
import { policyScores, type LayerScores } from './policy-scores.ts';

/**
 * Published shrinking (Xu et al., "DeViT", 2024): heads and hidden units in the order of their scores, how many of each layer
 * by the best of many random policies, the stream as wide as it was. Policies are judged by the divergence from the teacher
 * among the classes on the judging images, each as what it is: the cut model. The best is refitted in closed form where
 * `settings.refit` has layers, ours; without, it is as published.
 * @throws BlockForgeError `config-invalid` where no policy is within the limits; `not-finite`
 */
export async function shrinkByPolicy(task: SliceTask): Promise<SliceResult> {
  const { teacher, classes, other, limits, settings, seed, signal } = task;
  const { policies: count, images, scoreImages, scoreBatch, mostSparsity, tolerance } = settings.policy;
  const progress = (fraction: number, note: string): void => task.onProgress({ fraction, note });
  const folded: SlicedModel =
    familyName(teacher.architecture) === slicedVitFamily.name
      ? teacher
      : foldVit(teacher.weights, teacher.architecture);
  const rows = other ? [...classes, classes[0]!] : classes;
  const policies = drawPolicies({
    whole: folded.architecture,
    classes: rows.length,
    limits,
    multiple: settings.widthMultiple,
    policies: count,
    mostSparsity,
    tolerance,
    seed,
  });
  // Which parts matter is asked of the teacher that knows these classes alone; one class is told from all others.
  const asked =
    classes.length > 1 ? classes : Array.from({ length: folded.architecture.classes }, (_, index) => index);
  const own = cutModel(folded, { classes: asked });
  progress(0, 'scores of heads and hidden units');
  const scores = await policyScores(own, grouped(limited(task.fit, scoreImages)(), scoreBatch), signal);
  const whole = inOrder(folded, scores);

  const judge = limited(task.judge, images);
  const expected = await expectedLogits(folded, judge(), signal, (logits) =>
    classTargets(logits, asked, false),
  );
  const measured: { policy: Policy; kl: number }[] = [];
  for (const [index, policy] of policies.entries()) {
    progress(0.2 + (0.5 * index) / policies.length, `policy ${index + 1} of ${policies.length}`);
    const kl = await divergenceFrom(expected, cutByPolicy(whole, policy, asked), judge(), signal);
    measured.push({ policy, kl });
  }
  const best = measured.reduce((best, one) => (one.kl < best.kl || Number.isNaN(best.kl) ? one : best));
  const cut = cutByPolicy(whole, best.policy, rows);
  const model = await refitted(task, own, whole, cut, (layer) =>
    progress(0.75 + (0.2 * (layer + 1)) / own.architecture.depth, `refit of layer ${layer + 1}`),
  );
  const all = await expectedLogits(folded, task.judge(), signal, (logits) =>
    classTargets(logits, classes, classes.length === 1 && other),
  );
  const kl = await divergenceFrom(all, model, task.judge(), signal);
  requireFinite(kl, classes.length);
  return {
    model,
    report: {
      by: 'policy',
      policy: described(best.policy),
      kl,
      measured: measured.map(({ policy, kl }) => ({ policy: described(policy), kl })),
    },
  };
}

/** The same function; heads and hidden units of every layer as their scores fall. */
function inOrder(model: SlicedModel, scores: readonly LayerScores[]): SlicedModel {
  return cutModel(model, {
    layers: scores.map(({ heads, units }) => ({ heads: falling(heads), units: falling(units) })),
  });
}

function falling(scores: Float64Array): number[] {
  return Array.from(scores, (_, index) => index).sort((a, b) => scores[b]! - scores[a]! || a - b);
}

function cutByPolicy(whole: SlicedModel, { layers }: Policy, classes: Kept): SlicedModel {
  return cutModel(whole, { layers, classes });
}

async function refitted(
  { classes, other, fit, settings, seed, signal }: SliceTask,
  own: SlicedModel,
  whole: SlicedModel,
  cut: SlicedModel,
  onLayer: (layer: number) => void,
): Promise<SlicedModel> {
  const { refit: layers, ridge, images, gradientImages } = settings;
  if (layers.length === 0) return cut;
  const sensitivity = await modelSensitivity(own, limited(fit, gradientImages)(), {
    images: gradientImages,
    seed,
    signal,
  });
  return refitModel(whole, cut, limited(fit, images)(), {
    layers,
    ridge,
    sensitivity,
    headTargets: (logits: tf.Tensor) => classTargets(logits, classes, other),
    signal,
    onLayer,
  });
}

function described({ layers }: Policy): { heads: number[]; units: number[] } {
  return { heads: layers.map(({ heads }) => heads), units: layers.map(({ units }) => units) };
}
