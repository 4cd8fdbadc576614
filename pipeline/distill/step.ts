import * as tf from '@tensorflow/tfjs-core';
import type { FfnTensors } from '../model/ffn-tensors.ts';
import { ffnParts, type FfnPart } from '../model/ffn-weights.ts';
import type { Gelu } from '../tensor/ops.ts';
import { adamRule, adamScalars, adamStep, type AdamSettings } from '../tensor/optimizer.ts';
import { withPrecision, type Precision } from '../tensor/recorded/precision.ts';
import { recorded } from '../tensor/recorded/recorded.ts';
import type { Example } from './examples.ts';
import { distillGradients } from './loss.ts';
import type { Student } from './student.ts';

export interface StepSettings {
  readonly lossScale: number;
  readonly learningRate: number;
  readonly gelu: Gelu;
  readonly adam: AdamSettings;
  /** Of the step's matrix products; default float32. */
  readonly precision?: Precision | undefined;
}

/**
 * One optimiser step on an example, which stays the caller's; loss, gradients and update are one operation where the engine can.
 * Returns its loss on the engine; caller disposes it.
 */
export function studentStep(
  student: Student,
  { x, target }: Example,
  { lossScale, learningRate, gelu, adam, precision = 'float32' }: StepSettings,
): tf.Scalar {
  const { parameters, adam: state } = student;
  const step = state.step + 1;
  const rules = ffnParts.map((part) => adamRule(adam, part));
  const old = [parameters, state.m, state.v].flatMap((tensors) =>
    ffnParts.map((part) => (tensors as FfnTensors)[part]),
  );
  const scalars = [tf.scalar(lossScale), ...adamScalars(adam, learningRate, step)] as const;
  const [loss, ...next] = withPrecision(precision, () =>
    recorded(
      `distillation step ${gelu} ${JSON.stringify(rules)}`,
      [x, target, ...scalars, ...old],
      ([x, target, lossScale, rate, epsilon, keep, ...old]) => {
        const [parameters, m, v] = [0, 1, 2].map((which) => byPart(old, which)) as [
          FfnTensors,
          FfnTensors,
          FfnTensors,
        ];
        const { loss, gradients } = distillGradients(x, target, parameters, gelu, lossScale);
        const next = ffnParts.map((part, index) =>
          adamStep(
            rules[index]!,
            { parameter: parameters[part], g: gradients[part], m: m[part], v: v[part] },
            [rate, epsilon, keep],
          ),
        );
        return [loss, ...[0, 1, 2].flatMap((which) => next.map((tensors) => tensors[which]!))];
      },
    ),
  );
  tf.dispose([...scalars, ...old]);
  student.parameters = byPart(next, 0);
  student.adam = { step, m: { ...byPart(next, 1) }, v: { ...byPart(next, 2) } };
  return loss as tf.Scalar;
}

/** The `which`-th four of a list of tensors in the order of `ffnParts`. */
function byPart(tensors: readonly tf.Tensor[], which: number): FfnTensors {
  const entries = ffnParts.map((part, index): [FfnPart, tf.Tensor] => [part, tensors[4 * which + index]!]);
  return Object.fromEntries(entries) as unknown as FfnTensors;
}
