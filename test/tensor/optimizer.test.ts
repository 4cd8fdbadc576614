import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import {
  adamInit,
  adamUpdate,
  disposeAdam,
  exportAdam,
  importAdam,
  type AdamSettings,
  type AdamState,
  type Tensors,
} from '../../pipeline/tensor/optimizer.ts';
import { random } from '../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../support/engines.ts';

const shapes: Record<string, number[]> = { kernel: [5, 3], bias: [3] };
const size = (name: string) => shapes[name]!.reduce((a, b) => a * b);
const normals = (name: string, ...labels: (string | number)[]) => {
  const stream = random(7, name, ...labels);
  return Float32Array.from({ length: size(name) }, () => stream.normal());
};
const gradientAt = (name: string, step: number) => normals(name, 'gradient', step).map((g) => g * (1 + step));

/** The textbook algorithm in float64, written from the papers: Kingma & Ba 2015, Loshchilov & Hutter 2019. */
function reference(settings: Required<Omit<AdamSettings, 'clipNorm'>>, clipNorm: number, rates: number[]) {
  const { beta1, beta2, epsilon, weightDecay, decays } = settings;
  const names = Object.keys(shapes);
  const p = Object.fromEntries(names.map((name) => [name, Float64Array.from(normals(name))]));
  const m = Object.fromEntries(names.map((name) => [name, new Float64Array(size(name))]));
  const v = Object.fromEntries(names.map((name) => [name, new Float64Array(size(name))]));
  rates.forEach((rate, index) => {
    const t = index + 1;
    const gradients = names.map((name) => gradientAt(name, t));
    const norm = Math.sqrt(gradients.flatMap((g) => [...g]).reduce((sum, g) => sum + g * g, 0));
    const scale = Math.min(1, clipNorm / norm);
    names.forEach((name, which) => {
      for (let i = 0; i < size(name); i++) {
        const g = gradients[which]![i]! * scale;
        m[name]![i] = beta1 * m[name]![i]! + (1 - beta1) * g;
        v[name]![i] = beta2 * v[name]![i]! + (1 - beta2) * g * g;
        const mHat = m[name]![i]! / (1 - beta1 ** t);
        const vHat = v[name]![i]! / (1 - beta2 ** t);
        if (decays(name)) p[name]![i]! -= rate * weightDecay * p[name]![i]!;
        p[name]![i]! -= (rate * mHat) / (Math.sqrt(vHat) + epsilon);
      }
    });
  });
  return p;
}

function start(): { parameters: Tensors; state: AdamState } {
  const parameters = Object.fromEntries(
    Object.keys(shapes).map((n) => [n, tf.tensor(normals(n), shapes[n])]),
  );
  return { parameters, state: adamInit(parameters) };
}

function run(settings: AdamSettings, rates: number[], from = start()) {
  let { parameters, state } = from;
  for (const rate of rates) {
    const gradients = Object.fromEntries(
      Object.keys(shapes).map((n) => [n, tf.tensor(gradientAt(n, state.step + 1), shapes[n])]),
    );
    ({ parameters, state } = adamUpdate(settings, rate, parameters, gradients, state));
  }
  return { parameters, state };
}

function finish({
  parameters,
  state,
}: {
  parameters: Tensors;
  state: AdamState;
}): Record<string, Float32Array> {
  const values = Object.fromEntries(Object.entries(parameters).map(([n, t]) => [n, t.dataSync<'float32'>()]));
  tf.dispose(Object.values(parameters));
  disposeAdam(state);
  return values;
}

describeOnEachEngine('Adam and AdamW', () => {
  const rates = Array.from({ length: 20 }, (_, step) => 0.01 * (1 - step / 40));
  const textbook = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, decays: () => false };
  const cases: [string, AdamSettings, Required<Omit<AdamSettings, 'clipNorm'>>, number][] = [
    ['Adam', {}, textbook, Infinity],
    [
      'AdamW with decay on kernels only',
      { weightDecay: 0.5, decays: (n) => n === 'kernel' },
      { ...textbook, weightDecay: 0.5, decays: (n) => n === 'kernel' },
      Infinity,
    ],
    ['Adam with an epsilon that matters', { epsilon: 0.3 }, { ...textbook, epsilon: 0.3 }, Infinity],
    ['other betas', { beta1: 0.5, beta2: 0.9 }, { ...textbook, beta1: 0.5, beta2: 0.9 }, Infinity],
    ['clipping by the joint norm', { clipNorm: 9, epsilon: 0.3 }, { ...textbook, epsilon: 0.3 }, 9],
  ];
  for (const [title, settings, full, clip] of cases) {
    it(`${title}: 20 steps equal a float64 reference within 2e-6`, () => {
      const expected = reference(full, clip, rates);
      const found = finish(run(settings, rates));
      for (const name of Object.keys(shapes)) {
        found[name]!.forEach((value, i) => {
          assert.ok(
            Math.abs(value - expected[name]![i]!) < 2e-6,
            `${name}[${i}] ${value} ${expected[name]![i]}`,
          );
        });
      }
    });
  }

  it('goes on bit for bit from an exported state', () => {
    const whole = finish(run({}, rates));
    const half = run({}, rates.slice(0, 9));
    const arrays = exportAdam(half.state);
    const { step } = half.state;
    const values = finish(half);
    const parameters = Object.fromEntries(
      Object.entries(values).map(([n, x]) => [n, tf.tensor(x, shapes[n])]),
    );
    const resumed = { parameters, state: importAdam(step, arrays, parameters) };
    assert.deepEqual(finish(run({}, rates.slice(9), resumed)), whole);
  });

  it('refuses a state of another shape and a parameter without a gradient', () => {
    const { parameters, state } = start();
    const arrays = { ...exportAdam(state), 'v/bias': new Float32Array(2) };
    assert.throws(() => importAdam(1, arrays, parameters), /v\/bias: 2 values, expected 3/);
    assert.throws(
      () => adamUpdate<string>({}, 0.1, { bias: parameters['bias']! }, {}, state),
      /parameter bias has no gradient/,
    );
    finish({ parameters, state });
  });
});
