import * as tf from '@tensorflow/tfjs-core';
import { attempt } from './attempt.ts';
import type { TensorflowBackend } from './backend.ts';
import { layerNorm, linear, linearGelu } from '../ops.ts';
import { withFusions, type Fusion } from './fused.ts';
import { standIns } from './stand-ins.ts';
import { withPrecision } from './precision.ts';

/** What each fusion is tried on: x [24, 32], then a kernel and a bias, or the scales and shifts of a LayerNorm. */
const trials: Readonly<Record<Fusion, (x: tf.Tensor, a: tf.Tensor, b: tf.Tensor) => tf.Tensor>> = {
  bias: linear,
  exact: (x, kernel, bias) => linearGelu(x, kernel, bias, 'exact'),
  tanh: (x, kernel, bias) => linearGelu(x, kernel, bias, 'tanh'),
  layerNorm: (x, gamma, beta) => layerNorm(x, gamma, beta, 1e-3),
};

const known = new WeakMap<TensorflowBackend, readonly Fusion[]>();

/**
 * The fusions that this engine has and that give the right numbers, on inputs that are the same every time. They are tried once; on
 * processors, oneDNN has all of them (where `TF_ENABLE_ONEDNN_OPTS` is not 0).
 */
export function usableFusions(backend: TensorflowBackend): readonly Fusion[] {
  const found = known.get(backend) ?? withPrecision('float32', () => tryAll(backend));
  known.set(backend, found);
  return found;
}

function tryAll(backend: TensorflowBackend): readonly Fusion[] {
  return (Object.keys(trials) as Fusion[]).filter((fusion) => {
    // It has a kernel for processors alone: a GPU would wait for the way there and back.
    if (fusion === 'layerNorm' && backend.isUsingGpuDevice) return false;
    const width = fusion === 'layerNorm' ? [32] : [32, 16];
    const inputs = standIns(
      [[24, 32], width, width.slice(-1)].map((shape) => ({ dataId: {}, dtype: 'float32' as const, shape })),
      'both',
    );
    try {
      // Times 8: GELU is to be seen where it bends.
      const body = ([x, a, b]: readonly tf.Tensor[]) => [
        trials[fusion](tf.mul(x as tf.Tensor, 8), a as tf.Tensor, b as tf.Tensor),
      ];
      return typeof withFusions([fusion], () => attempt(backend, inputs, body, 1e-5)) === 'function';
    } finally {
      tf.dispose(inputs);
    }
  });
}
