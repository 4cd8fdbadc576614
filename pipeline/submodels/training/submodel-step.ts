import * as tf from '@tensorflow/tfjs-core';
import { decays } from '../../train/train-step.ts';
import { adamUpdate, type AdamState, type Tensors } from '../../tensor/optimizer.ts';
import { recorded } from '../../tensor/recorded/recorded.ts';
import type { Asking } from './asking.ts';
import { gradientsInParts, type LossAndGradients } from './gradients-in-parts.ts';
import { liftNames } from './lift.ts';
import { relationsOf } from './needs-teacher.ts';
import { restrictOutputs } from './restrict-outputs.ts';
import type { TrainingSettings } from './schema.ts';
import { answersOf } from './submodel-answers.ts';
import { submodelLoss } from './submodel-loss.ts';
import type { SubmodelBatch } from './training-batches.ts';

/** What a training moves. */
export interface MovingModel {
  /** The model's weights as `uploadWeights` makes them, and the lift's. */
  readonly parameters: Tensors;
  readonly adam: AdamState;
}

type LossSettings = Pick<TrainingSettings, 'temperature' | 'weights'>;

/**
 * One optimiser step. Takes over `model` and returns its successor, and the loss as a scalar that the caller disposes; the
 * batch stays the caller's.
 */
export function submodelStep(
  model: MovingModel,
  asking: Asking,
  batch: SubmodelBatch,
  settings: LossSettings & Pick<TrainingSettings, 'weightDecay' | 'clip' | 'microBatch'>,
  learningRate: number,
): { readonly model: MovingModel; readonly loss: tf.Scalar } {
  const { weightDecay, clip, microBatch } = settings;
  const { loss, gradients } = gradientsInParts(batch, microBatch ?? batch.count, (part) =>
    lossAndGradients(model.parameters, asking, part, settings),
  );
  const adam = { weightDecay, decays, ...(clip !== null && { clipNorm: clip }) };
  const next = adamUpdate(adam, learningRate, model.parameters, gradients, model.adam);
  return { model: { parameters: next.parameters, adam: next.state }, loss };
}

/** The batch's loss and its gradient by parameter, as one operation where the engine can. Caller disposes. */
export function lossAndGradients(
  parameters: Tensors,
  asking: Asking,
  { pixels, targets, labels, features, relations }: SubmodelBatch,
  { temperature, weights }: LossSettings,
): LossAndGradients {
  const names = Object.keys(parameters);
  const settings = { temperature, weights };
  const isLifted = features !== undefined;
  const given = [pixels, targets, labels, ...(isLifted ? [features] : []), ...relations];
  const [loss, ...grads] = recorded(
    `sub-model step ${JSON.stringify([asking, settings, isLifted])} ${names.join()}`,
    [...given, ...names.map((name) => parameters[name]!)],
    (inputs) => {
      const [pixels, targets, labels, ...others] = inputs.slice(0, given.length) as GivenTensors;
      const aim = isLifted ? others.shift() : undefined;
      const { value, grads } = tf.valueAndGrads((...tensors: tf.Tensor[]) => {
        const own = Object.fromEntries(names.map((name, index) => [name, tensors[index]!]));
        const { heads, logits, pooled, relations } = answersOf(
          { architecture: asking.architecture, weights: own },
          pixels,
          asking.place,
        );
        const { [liftNames.kernel]: kernel, [liftNames.bias]: bias } = own;
        const terms = relationsOf(weights).flatMap((name, index) => {
          const own = relations?.[name];
          return own === undefined ? [] : [[name, { ...own, aim: others[index]! }] as const];
        });
        const [labelLogits, learnt] = headsOf(heads, logits, weights).map((logits) =>
          asking.subset === undefined ? logits : restrictOutputs(logits, asking.subset),
        ) as [tf.Tensor, tf.Tensor?];
        return submodelLoss(
          {
            logits: learnt ?? labelLogits,
            labelLogits,
            pooled,
            targets,
            labels,
            features: aim && kernel && bias && { aim, kernel, bias },
            relations: Object.fromEntries(terms),
          },
          settings,
        );
      })(inputs.slice(given.length));
      return [value, ...grads];
    },
  );
  const gradients = Object.fromEntries(names.map((name, index) => [name, grads[index]!]));
  return { loss: loss as tf.Scalar, gradients };
}

/**
 * Of two heads, the first learns from labels and the last from the teacher (Touvron et al. 2021, DeiT), where both teach; else both
 * learn as one, by what they answer together.
 */
function headsOf(
  heads: readonly tf.Tensor[],
  together: tf.Tensor,
  { labels, logits, hard }: TrainingSettings['weights'],
): readonly tf.Tensor[] {
  return labels > 0 && (logits > 0 || hard > 0) ? heads : [together];
}

type GivenTensors = [tf.Tensor, tf.Tensor, tf.Tensor, ...tf.Tensor[]];
