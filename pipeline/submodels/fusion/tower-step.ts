import * as tf from '@tensorflow/tfjs-core';
import { gelu, linear } from '../../tensor/ops.ts';
import type { Tensors } from '../../tensor/optimizer.ts';
import { recorded } from '../../tensor/recorded/recorded.ts';
import type { TowerConfig } from './schema.ts';

/** What one step of a tower sees; B images. */
export interface TowerBatch {
  /** [B, F] standardised. */
  readonly x: tf.Tensor;
  /** [B, F]: 1 where a feature is there, 0 where it is to be imputed; absent where none is. */
  readonly present?: tf.Tensor | undefined;
  /** [B, K] one-hot. */
  readonly labels: tf.Tensor;
  /** [B, K] probabilities at the temperature; absent without a teacher. */
  readonly teacher?: tf.Tensor | undefined;
  /** [B, units] by hidden layer: 0, or 1 / (1 - dropout). */
  readonly kept: readonly tf.Tensor[];
}

export interface TowerRules {
  readonly activation: TowerConfig['activation'];
  readonly layers: number;
  readonly teacherWeight: number;
  readonly temperature: number;
}

/**
 * The batch's mean loss, `(1 - w) CE(labels) + w T^2 CE(teacher at T)` (Hinton et al. 2015), and its gradient by parameter:
 * `kernel-0`, `bias-0`, ... Caller disposes both.
 * @param map [F, F], `absenceMap`
 */
export function towerGradients(
  { x, present, labels, teacher, kept }: TowerBatch,
  parameters: Tensors,
  map: tf.Tensor,
  rules: TowerRules,
): { loss: tf.Scalar; gradients: Record<string, tf.Tensor> } {
  const names = Object.keys(parameters);
  const dropped = kept.length;
  const inputs = [x, labels, map, ...(present ? [present] : []), ...(teacher ? [teacher] : []), ...kept];
  const key = `tower ${JSON.stringify(rules)} ${present !== undefined} ${teacher !== undefined} ${names.join()}`;
  const [loss, ...gradients] = recorded(
    key,
    [...inputs, ...names.map((name) => parameters[name]!)],
    (given) => {
      const rest = [...given] as tf.Tensor[];
      const take = (): tf.Tensor => rest.shift() ?? missing();
      const [features, labels, map] = [take(), take(), take()];
      const mask = present && take();
      const certain = teacher && take();
      const kept = rest.splice(0, dropped);
      const seen = mask === undefined ? features : imputed(features, mask, map);
      const { value, grads } = tf.valueAndGrads((...values: tf.Tensor[]) => {
        const logits = towerLogits(
          seen,
          Object.fromEntries(names.map((n, i) => [n, values[i]!])),
          rules,
          kept,
        );
        const own = crossEntropy(labels, logits);
        if (certain === undefined) return own;
        const { teacherWeight: weight, temperature } = rules;
        const distilled = tf.mul(
          crossEntropy(certain, tf.div(logits, temperature)),
          weight * temperature ** 2,
        );
        return tf.add<tf.Scalar>(tf.mul(own, 1 - weight), distilled);
      })(rest);
      return [value, ...grads];
    },
  );
  const byName = names.map((name, index): [string, tf.Tensor] => [name, gradients[index]!]);
  return { loss: loss as tf.Scalar, gradients: Object.fromEntries(byName) };
}

/** [B, K]. @param kept masks of dropout; none when it is used rather than trained */
export function towerLogits(
  x: tf.Tensor,
  parameters: Tensors,
  { activation, layers }: Pick<TowerRules, 'activation' | 'layers'>,
  kept?: readonly tf.Tensor[],
): tf.Tensor {
  let h = x;
  for (let layer = 0; layer < layers; layer++) {
    h = linear(h, parameters[`kernel-${layer}`]!, parameters[`bias-${layer}`]);
    if (layer === layers - 1) break;
    h = activation === 'relu' ? tf.maximum(h, 0) : gelu(h, 'tanh');
    const mask = kept?.[layer];
    if (mask !== undefined) h = tf.mul(h, mask);
  }
  return h;
}

/** x [B, F], where `present` is 1; elsewhere what the others make of it, by `absenceMap`. */
export function imputed(x: tf.Tensor, present: tf.Tensor, map: tf.Tensor): tf.Tensor {
  const guessed = tf.matMul(x, map);
  return tf.add(tf.mul(x, present), tf.mul(guessed, tf.sub(1, present)));
}

/** Mean over the rows of both [B, K]. */
function crossEntropy(probabilities: tf.Tensor, logits: tf.Tensor): tf.Scalar {
  return tf.div(tf.neg(tf.sum(tf.mul(probabilities, tf.logSoftmax(logits)))), logits.shape[0]);
}

function missing(): never {
  throw new Error('a tower was given too few tensors');
}
