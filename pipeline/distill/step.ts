import * as tf from '@tensorflow/tfjs-core';
import type { ModelTensors } from '../model/backbone.ts';
import { isFfnName, partOf, partsOf } from '../model/ffn-weights.ts';
import {
  adamRule,
  adamScalars,
  adamStep,
  clipFactor,
  type AdamSettings,
  type Tensors,
} from '../tensor/optimizer.ts';
import { withPrecision, type Precision } from '../tensor/recorded/precision.ts';
import { recorded } from '../tensor/recorded/recorded.ts';
import { distillGradients } from './loss.ts';
import { streamLoss } from './stream-loss.ts';
import { ffnsOf, parameterName, type Student } from './student.ts';
import { featureList, featuresOf, type FeatureShares, type TeacherFeatures } from './teacher-features.ts';

export interface StepSettings {
  readonly shares: FeatureShares;
  /** In [0, 1]. */
  readonly lookahead: number;
  /** By block: what a squared error of one token counts, over the batch. */
  readonly blockScales: readonly number[];
  /** Of an image's divergence; 0 leaves it out. */
  readonly divergenceScale: number;
  readonly learningRate: number;
  readonly adam: AdamSettings;
  /** Of the step's matrix products; default float32. */
  readonly precision?: Precision | undefined;
}

/**
 * One optimiser step of a whole student on a batch, whose features stay the caller's; loss, gradients and update are one operation
 * where the engine can. Returns its loss on the engine; caller disposes it.
 */
export function studentStep(
  student: Student,
  { architecture, weights }: ModelTensors,
  features: TeacherFeatures,
  settings: StepSettings,
): tf.Scalar {
  const { shares, lookahead, blockScales, divergenceScale, learningRate, adam, precision } = settings;
  const step = student.adam.step + 1;
  const names = Object.keys(student.parameters);
  const rules = names.map((name) => adamRule(adam, name));
  const { clipNorm } = adam;
  const frame = Object.keys(weights).filter((name) => !isFfnName(name));
  const old = [student.parameters, student.adam.m, student.adam.v].flatMap((tensors) =>
    names.map((name) => tensors[name]!),
  );
  const scalars = [
    ...adamScalars(adam, learningRate, step),
    tf.tensor1d([...blockScales, divergenceScale]),
  ] as const;
  const seen = featureList(features);
  const loss = { lookahead, divergence: divergenceScale > 0 };
  const key = JSON.stringify([architecture, shares, loss, rules, clipNorm ?? null]);
  const [value, ...next] = withPrecision(precision ?? 'float32', () =>
    recorded(
      `student's step ${key} ${frame.join()} ${names.join()}`,
      [...scalars, ...seen, ...frame.map((name) => weights[name]!), ...old],
      ([rate, epsilon, keep, scales, ...tensors]) => {
        const given = featuresOf(tensors.slice(0, seen.length), shares, architecture.depth);
        const frameTensors = tensors.slice(seen.length, seen.length + frame.length);
        const model = { architecture, weights: byName(frame, frameTensors) };
        const state = tensors.slice(seen.length + frame.length);
        const part = (which: number): Tensors =>
          byName(names, state.slice(which * names.length, (which + 1) * names.length));
        const [parameters, m, v] = [part(0), part(1), part(2)];
        const { value, gradients } = lossAndGradients(model, given, parameters, tf.unstack(scales), loss);
        const clip = clipNorm === undefined ? undefined : clipFactor(Object.values(gradients), clipNorm);
        const after = names.map((name, index) => {
          const gradient = gradients[name]!;
          const g = clip === undefined ? gradient : tf.mul(gradient, clip);
          const now = { parameter: parameters[name]!, g, m: m[name]!, v: v[name]! };
          return adamStep(rules[index]!, now, [rate, epsilon, keep]);
        });
        return [value, ...[0, 1, 2].flatMap((which) => after.map((tensors) => tensors[which]!))];
      },
    ),
  );
  tf.dispose([...scalars, ...old]);
  const part = (which: number): Tensors =>
    byName(names, next.slice(which * names.length, (which + 1) * names.length));
  student.parameters = part(0);
  student.adam = { step, m: part(1), v: part(2) };
  return value as tf.Scalar;
}

/**
 * The loss of a batch and its gradient by parameter: what the student's own stream says (`streamLoss`), by automatic
 * differentiation, and what its blocks answer on the teacher's inputs (`distillGradients`), whose gradients are written out.
 * Run inside a tidy.
 *
 * @param scales by block, then that of the divergence: scalars
 */
export function lossAndGradients(
  model: ModelTensors,
  { own, given }: TeacherFeatures,
  parameters: Tensors,
  scales: readonly tf.Tensor[],
  loss: { readonly lookahead: number; readonly divergence: boolean },
): { readonly value: tf.Scalar; readonly gradients: Tensors } {
  const names = Object.keys(parameters);
  const ffns = ffnsOf(parameters);
  const values: tf.Tensor[] = [];
  const gradients = new Map<string, tf.Tensor>();
  if (own !== undefined) {
    const { value, grads } = tf.valueAndGrads((...tensors: tf.Tensor[]) =>
      streamLoss(model, own, ffnsOf(byName(names, tensors)), loss.lookahead, {
        blocks: scales,
        divergence: loss.divergence ? scales[ffns.length] : undefined,
      }),
    )(names.map((name) => parameters[name]!));
    values.push(value);
    names.forEach((name, index) => gradients.set(name, grads[index]!));
  }
  for (const [block, { input, target }] of given.entries()) {
    const found = distillGradients(input, target, ffns[block]!, model.architecture.gelu, scales[block]!);
    values.push(found.loss);
    for (const part of partsOf(found.gradients)) {
      const name = parameterName(block, part);
      const other = gradients.get(name);
      const own = partOf(found.gradients, part);
      gradients.set(name, other === undefined ? own : tf.add(other, own));
    }
  }
  return { value: tf.sum(tf.stack(values)), gradients: Object.fromEntries(gradients) };
}

function byName(names: readonly string[], tensors: readonly tf.Tensor[]): Tensors {
  return Object.fromEntries(names.map((name, index) => [name, tensors[index]!]));
}
