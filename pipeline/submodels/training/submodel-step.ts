import * as tf from '@tensorflow/tfjs-core';
import type { Architecture } from '../../model/architecture.ts';
import { forward } from '../../model/encoder.ts';
import { decays } from '../../train/train-step.ts';
import { adamUpdate, type AdamState, type Tensors } from '../../tensor/optimizer.ts';
import { recorded } from '../../tensor/recorded/recorded.ts';
import { liftNames } from './lift.ts';
import type { TrainingSettings } from './schema.ts';
import { submodelLoss } from './submodel-loss.ts';
import type { SubmodelBatch } from './training-batches.ts';

/** What a training moves. */
export interface MovingModel {
  /** The model's weights as `uploadWeights` makes them, and the lift's. */
  readonly parameters: Tensors;
  readonly adam: AdamState;
}

type LossSettings = Pick<TrainingSettings, 'temperature' | 'weights'>;

const clipNorm = 1;

/**
 * One optimiser step. Takes over `model` and returns its successor, and the loss as a scalar that the caller disposes; the
 * batch stays the caller's.
 */
export function submodelStep(
  model: MovingModel,
  architecture: Architecture,
  batch: SubmodelBatch,
  settings: LossSettings & Pick<TrainingSettings, 'weightDecay'>,
  learningRate: number,
): { readonly model: MovingModel; readonly loss: tf.Scalar } {
  const { loss, gradients } = lossAndGradients(model.parameters, architecture, batch, settings);
  const adam = { weightDecay: settings.weightDecay, decays, clipNorm };
  const next = adamUpdate(adam, learningRate, model.parameters, gradients, model.adam);
  return { model: { parameters: next.parameters, adam: next.state }, loss };
}

/** The batch's loss and its gradient by parameter. Caller disposes. */
export function lossAndGradients(
  parameters: Tensors,
  architecture: Architecture,
  { pixels, targets, labels, features: aim }: SubmodelBatch,
  { temperature, weights }: LossSettings,
): { readonly loss: tf.Scalar; readonly gradients: Tensors } {
  const names = Object.keys(parameters);
  const settings = { temperature, weights };
  const isLifted = aim !== undefined;
  const given = [pixels, targets, labels, ...(isLifted ? [aim] : [])];
  const [loss, ...grads] = recorded(
    `sub-model step ${JSON.stringify([architecture, settings, isLifted])} ${names.join()}`,
    [...given, ...names.map((name) => parameters[name]!)],
    (inputs) => {
      const [pixels, targets, labels, aim] = inputs as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor];
      const { value, grads } = tf.valueAndGrads((...tensors: tf.Tensor[]) => {
        const own = Object.fromEntries(names.map((name, index) => [name, tensors[index]!]));
        const { logits, features } = forward({ architecture, weights: own }, pixels, { capture: ['pooled'] });
        const { [liftNames.kernel]: kernel, [liftNames.bias]: bias } = own;
        const lifted = isLifted && kernel && bias ? { aim, kernel, bias } : undefined;
        return submodelLoss({ logits, pooled: features.pooled, targets, labels, features: lifted }, settings);
      })(inputs.slice(given.length));
      return [value, ...grads];
    },
  );
  const gradients = Object.fromEntries(names.map((name, index) => [name, grads[index]!]));
  return { loss: loss as tf.Scalar, gradients };
}
