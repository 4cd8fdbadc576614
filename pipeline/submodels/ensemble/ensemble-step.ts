import * as tf from '@tensorflow/tfjs-core';
import type { Architecture } from '../../model/architecture.ts';
import { backboneOf } from '../../model/backbones.ts';
import { forward } from '../../model/encoder.ts';
import { adamUpdate, type AdamSettings, type Tensors } from '../../tensor/optimizer.ts';
import { recorded } from '../../tensor/recorded/recorded.ts';
import { crossEntropy, decays } from '../../train/train-step.ts';
import { isKernel } from '../fusion/train-head.ts';
import { tokenLoss, type TokenAims, type TokenRules } from '../fusion/token-loss.ts';
import { restrictOutputs } from '../training/restrict-outputs.ts';
import { moveMean } from '../training/running-mean.ts';
import type { ClassSubset } from '../training/training-task.ts';
import type { Part } from './ensemble-run.ts';

/** One step's images on the engine. */
export interface EnsembleBatch extends TokenAims {
  /** [B, S, S, C], normalised. */
  readonly pixels: tf.Tensor4D;
  /** [B, K]: the teacher's logits. */
  readonly targets: tf.Tensor2D;
  /** [B, F]: 1 where a feature is there, 0 where its sub-model is absent. */
  readonly present: tf.Tensor2D;
}

/** What does not move. */
export interface EnsembleFacts {
  readonly submodels: readonly { readonly architecture: Architecture; readonly subset: ClassSubset }[];
  readonly rules: TokenRules;
  /** [F] each: of the features at the start. */
  readonly mean: tf.Tensor1D;
  readonly scale: tf.Tensor1D;
}

export interface StepSettings {
  readonly learningRate: number;
  readonly weightDecay: number;
  readonly clip: number | null;
  /** Decay of the running means; undefined: there are none. */
  readonly averaging: number | undefined;
  /** From 1. */
  readonly step: number;
}

/**
 * One optimiser step of all parts. The loss reaches a sub-model through its features alone, so its gradient is taken in two
 * halves: that of the loss at the features, of which there are few, and then, model by model, that of `features . gradient` at the
 * weights. Activations of one sub-model at a time are in memory, for one forward pass more: a step costs 4 forward passes of every
 * sub-model instead of 3. Takes over `parts`; the loss is the caller's to dispose.
 */
export function ensembleStep(
  parts: readonly Part[],
  facts: EnsembleFacts,
  batch: EnsembleBatch,
  settings: StepSettings,
): { readonly parts: readonly Part[]; readonly loss: tf.Scalar } {
  const { submodels } = facts;
  const head = parts[submodels.length]!;
  const features = submodels.map((one, place) => pooledOf(one, parts[place]!.parameters, batch.pixels));
  const { loss, atFeatures, atHead } = headGradients(features, facts, batch, head.parameters);
  const next = submodels.map((one, place) => {
    const part = parts[place]!;
    const given = { features: features[place]!, gradient: atFeatures[place]! };
    const gradients = submodelGradients(one, part.parameters, batch, given);
    tf.dispose([given.features, given.gradient]);
    return moved(part, gradients, decays, settings);
  });
  return { parts: [...next, moved(head, atHead, isKernel, settings)], loss };
}

/** Takes over the part and its gradients. */
function moved(
  { parameters, adam, average }: Part,
  gradients: Tensors,
  decays: (name: string) => boolean,
  { learningRate, weightDecay, clip, averaging, step }: StepSettings,
): Part {
  const rules: AdamSettings = { weightDecay, decays, ...(clip !== null && { clipNorm: clip }) };
  const next = adamUpdate(rules, learningRate, parameters, gradients, adam);
  return {
    parameters: next.parameters,
    adam: next.state,
    average:
      average && averaging !== undefined ? moveMean(average, next.parameters, averaging, step) : average,
  };
}

interface Submodel {
  readonly architecture: Architecture;
  readonly subset: ClassSubset;
}

/** pixels [B, S, S, C] -> features [B, F]. Caller disposes. */
function pooledOf({ architecture }: Submodel, parameters: Tensors, pixels: tf.Tensor4D): tf.Tensor {
  const names = Object.keys(parameters);
  const [pooled] = recorded(
    `pooled ${JSON.stringify(architecture)} ${names.join()}`,
    [pixels, ...names.map((name) => parameters[name]!)],
    ([pixels, ...values]) => [pool(architecture, names, values, pixels)],
  );
  return pooled;
}

function pool(
  architecture: Architecture,
  names: readonly string[],
  values: readonly tf.Tensor[],
  pixels: tf.Tensor,
): tf.Tensor {
  const weights = Object.fromEntries(names.map((name, index) => [name, values[index]!]));
  return forward({ architecture, weights }, pixels, { capture: ['pooled'] }).features.pooled;
}

/** The loss, and its gradient at the features of every sub-model and at the head. Caller disposes. */
export function headGradients(
  features: readonly tf.Tensor[],
  { rules, mean, scale }: Pick<EnsembleFacts, 'rules' | 'mean' | 'scale'>,
  { tokens, labels, hard, present }: TokenAims & Pick<EnsembleBatch, 'present'>,
  parameters: Tensors,
): { readonly loss: tf.Scalar; readonly atFeatures: readonly tf.Tensor[]; readonly atHead: Tensors } {
  const names = Object.keys(parameters);
  const count = features.length;
  const [loss, ...grads] = recorded(
    `ensemble head ${JSON.stringify(rules)} ${count} ${names.join()}`,
    [mean, scale, present, tokens, labels, hard, ...features, ...names.map((name) => parameters[name]!)],
    ([mean, scale, present, tokens, labels, hard, ...moving]) => {
      const { value, grads } = tf.valueAndGrads((...given: tf.Tensor[]) => {
        const all = tf.concat(given.slice(0, count), 1);
        // Absent is the mean, which is 0 here.
        const seen = tf.mul(tf.mul(tf.sub(all, mean), scale), present);
        const own = Object.fromEntries(names.map((name, index) => [name, given[count + index]!]));
        return tokenLoss(seen, { tokens, labels, hard }, own, rules);
      })(moving);
      return [value, ...grads];
    },
  );
  return {
    loss: loss as tf.Scalar,
    atFeatures: grads.slice(0, count),
    atHead: Object.fromEntries(names.map((name, index) => [name, grads[count + index]!])),
  };
}

/**
 * The gradient of `features . gradient` at a sub-model's weights. Its own last layer, through which no loss of the ensemble goes, is
 * kept up with its features: to that belongs the gradient of the cross-entropy to the teacher's probabilities of its outputs,
 * with the features held still. Caller disposes.
 * @param given features [B, F] as they are, and the loss's gradient there
 */
export function submodelGradients(
  { architecture, subset }: Submodel,
  parameters: Tensors,
  { pixels, targets }: Pick<EnsembleBatch, 'pixels' | 'targets'>,
  given: { readonly features: tf.Tensor; readonly gradient: tf.Tensor },
): Tensors {
  const names = Object.keys(parameters);
  const grads = recorded(
    `ensemble gradient ${JSON.stringify([architecture, subset])} ${names.join()}`,
    [pixels, targets, given.features, given.gradient, ...names.map((name) => parameters[name]!)],
    ([pixels, targets, features, gradient, ...values]) => {
      const aims = tf.softmax(restrictOutputs(targets, subset));
      return tf.valueAndGrads((...own: tf.Tensor[]) => {
        const pooled = pool(architecture, names, own, pixels);
        const weights = Object.fromEntries(names.map((name, index) => [name, own[index]!]));
        const logits = backboneOf(architecture).classify({ architecture, weights }, features);
        return tf.add<tf.Scalar>(tf.sum(tf.mul(pooled, gradient)), crossEntropy(logits, aims));
      })(values).grads;
    },
  );
  return Object.fromEntries(names.map((name, index) => [name, grads[index]!]));
}
