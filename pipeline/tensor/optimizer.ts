/**
 * Adam and AdamW as an `init`/`update` pair. State is keyed by parameter name, never by position.
 *
 * Each TensorFlow.js operation is a native call and a pass over memory, so the constants are folded away: the state
 * holds the plain decayed sums `m = beta1 m + g` and `v = beta2 v + g^2` (the textbook averages are `(1 - beta) `
 * times these), and both bias corrections, both factors `1 - beta` and the learning rate become one number and one
 * shifted epsilon. Ten passes per parameter instead of fourteen.
 */
import * as tf from '@tensorflow/tfjs-core';
import { recorded } from './recorded/recorded.ts';

export type Tensors = Readonly<Record<string, tf.Tensor>>;

export interface AdamSettings {
  readonly beta1?: number;
  readonly beta2?: number;
  readonly epsilon?: number;
  /** Decoupled decay (Loshchilov & Hutter 2019, algorithm 2): `p -= learningRate * weightDecay * p`. 0 is Adam. */
  readonly weightDecay?: number;
  /** Which parameters decay: kernels, as a rule; not biases, norms or embeddings. Required for a decay above 0. */
  readonly decays?: (name: string) => boolean;
  /** Scales all gradients down together where their joint Euclidean norm exceeds this. */
  readonly clipNorm?: number;
}

/** Decayed sums by parameter name, and the number of updates made. */
export interface AdamState {
  readonly step: number;
  readonly m: Tensors;
  readonly v: Tensors;
}

const defaults = { beta1: 0.9, beta2: 0.999 };

/** Zero moments for `parameters`. Caller disposes `m` and `v`. */
export function adamInit(parameters: Tensors): AdamState {
  return { step: 0, m: mapTensors(parameters, tf.zerosLike), v: mapTensors(parameters, tf.zerosLike) };
}

/**
 * One step (Kingma & Ba 2015, algorithm 1). Takes over `parameters`, `gradients` and `state`: their tensors are
 * disposed and the returned ones are the caller's.
 *
 * @throws Error where a parameter has no gradient or no state, or a decay has no `decays`: bugs.
 */
export function adamUpdate<Name extends string>(
  settings: AdamSettings,
  learningRate: number,
  parameters: Readonly<Record<Name, tf.Tensor>>,
  gradients: Readonly<Record<Name, tf.Tensor>>,
  state: AdamState,
): { parameters: Record<Name, tf.Tensor>; state: AdamState } {
  const names = Object.keys(parameters) as Name[];
  const rules = names.map((name) => adamRule(settings, name));
  const olds = names.map((name) => {
    const [gradient, m, v] = [gradients[name] as tf.Tensor | undefined, state.m[name], state.v[name]];
    if (gradient === undefined || m === undefined || v === undefined) {
      throw new Error(`parameter ${name} has no ${gradient === undefined ? 'gradient' : 'optimiser state'}`);
    }
    return [parameters[name], gradient, m, v] as const;
  });
  const step = state.step + 1;
  const next = { parameters: {}, m: {}, v: {} } as Record<
    'parameters' | 'm' | 'v',
    Record<string, tf.Tensor>
  >;
  const scalars = adamScalars(settings, learningRate, step);
  const clip = settings.clipNorm === undefined ? undefined : clipScale(gradients, settings.clipNorm);
  for (const [index, name] of names.entries()) {
    const rule = rules[index]!;
    const old = olds[index]!;
    [next.parameters[name], next.m[name], next.v[name]] = recorded(
      `adam ${JSON.stringify(rule)} ${clip !== undefined}`,
      [...old, ...scalars, ...(clip === undefined ? [] : [clip])],
      ([parameter, gradient, m, v, rate, epsilon, keep, clip]) => {
        const g = clip === undefined ? gradient : tf.mul(gradient, clip);
        return adamStep(rule, { parameter, g, m, v }, [rate, epsilon, keep]);
      },
    ) as [tf.Tensor, tf.Tensor, tf.Tensor];
    tf.dispose([...old]);
  }
  tf.dispose([...scalars]);
  clip?.dispose();
  return { parameters: next.parameters, state: { step, m: next.m, v: next.v } };
}

/** What of the settings an update of one parameter bakes in. */
export interface AdamRule {
  readonly beta1: number;
  readonly beta2: number;
  readonly decays: boolean;
}

/** @throws Error where there is a decay and no choice of parameters: a bug */
export function adamRule(
  { beta1 = defaults.beta1, beta2 = defaults.beta2, weightDecay = 0, decays }: AdamSettings,
  name: string,
): AdamRule {
  if (weightDecay > 0 && decays === undefined) throw new Error('weight decay without a choice of parameters');
  return { beta1, beta2, decays: weightDecay > 0 && decays?.(name) === true };
}

/** Rate, epsilon and what a decay leaves of a parameter: all that changes from step to step. `step` counts from 1. */
export type AdamScalars = readonly [rate: tf.Tensor, epsilon: tf.Tensor, keep: tf.Tensor];

/** Caller disposes. */
export function adamScalars(
  { beta1 = defaults.beta1, beta2 = defaults.beta2, epsilon = 1e-8, weightDecay = 0 }: AdamSettings,
  learningRate: number,
  step: number,
): AdamScalars {
  const rootV = Math.sqrt((1 - beta2) / (1 - beta2 ** step));
  const rate = (learningRate * (1 - beta1)) / (1 - beta1 ** step) / rootV;
  return [tf.scalar(rate), tf.scalar(epsilon / rootV), tf.scalar(1 - learningRate * weightDecay)];
}

/** The successors of a parameter and of its sums, g its gradient. Run inside a tidy. */
export function adamStep(
  { beta1, beta2, decays }: AdamRule,
  { parameter, g, m, v }: Readonly<Record<'parameter' | 'g' | 'm' | 'v', tf.Tensor>>,
  [rate, epsilon, keep]: AdamScalars,
): [parameter: tf.Tensor, m: tf.Tensor, v: tf.Tensor] {
  const newM = tf.add(tf.mul(m, beta1), g);
  const newV = tf.add(tf.mul(v, beta2), tf.square(g));
  const direction = tf.div(newM, tf.add(tf.sqrt(newV), epsilon));
  const kept = decays ? tf.mul(parameter, keep) : parameter;
  return [tf.sub(kept, tf.mul(direction, rate)), newM, newV];
}

/** min(1, limit / norm) as a scalar on the engine: reading the norm back would stall it. */
function clipScale(gradients: Tensors, limit: number): tf.Tensor {
  return recorded(`clip to ${limit}`, Object.values(gradients), (gradients) => [
    clipFactor(gradients, limit),
  ])[0];
}

/** min(1, limit / norm), the norm that of all gradients as one vector. Run inside a tidy. */
export function clipFactor(gradients: readonly tf.Tensor[], limit: number): tf.Tensor {
  const squares = gradients.map((gradient) => tf.sum(tf.square(gradient)));
  return tf.minimum(1, tf.div(limit, tf.add(tf.sqrt(tf.sum(tf.stack(squares))), 1e-12)));
}

/** The state as typed arrays `m/<name>` and `v/<name>`; `importAdam` gives the same state back, bit for bit. */
export function exportAdam(state: AdamState): Record<string, Float32Array> {
  const arrays: Record<string, Float32Array> = {};
  for (const moment of ['m', 'v'] as const) {
    for (const [name, tensor] of Object.entries(state[moment])) {
      arrays[`${moment}/${name}`] = tensor.dataSync<'float32'>();
    }
  }
  return arrays;
}

/** @throws Error where an array is missing or has another size than its parameter. */
export function importAdam(
  step: number,
  arrays: Readonly<Record<string, Float32Array>>,
  parameters: Tensors,
): AdamState {
  for (const [name, { size }] of Object.entries(parameters)) {
    for (const key of [`m/${name}`, `v/${name}`]) {
      const found = arrays[key]?.length;
      if (found !== size) throw new Error(`optimiser state ${key}: ${found} values, expected ${size}`);
    }
  }
  const read = (moment: 'm' | 'v') =>
    mapTensors(parameters, (parameter, name) =>
      tf.tensor(arrays[`${moment}/${name}`]!.slice(), parameter.shape),
    );
  return { step, m: read('m'), v: read('v') };
}

/** Disposes what the state holds. */
export function disposeAdam(state: AdamState): void {
  tf.dispose([...Object.values(state.m), ...Object.values(state.v)]);
}

function mapTensors(tensors: Tensors, make: (tensor: tf.Tensor, name: string) => tf.Tensor): Tensors {
  return Object.fromEntries(Object.entries(tensors).map(([name, tensor]) => [name, make(tensor, name)]));
}
