/**
 * The loss of blocks on the teacher's inputs and its gradient, written out instead of left to automatic differentiation: the
 * gradient with respect to the block's input is never formed (one product of six saved), the squared-error gradient
 * is never materialised, and every constant moves into a weight matrix, which is small, rather than into the hidden
 * activations, which are not. Tested against `tf.grads` and finite differences.
 */
import * as tf from '@tensorflow/tfjs-core';
import { applyFfn, ffnList, ffnOfList, type FfnTensors } from '../model/ffn-tensors.ts';
import { linear, product, sumRows, type Gelu } from '../tensor/ops.ts';
import { recorded } from '../tensor/recorded/recorded.ts';

/** x [N, D] -> the block's output [N, D], without gradients. Caller disposes. */
export function ffnOutput(x: tf.Tensor, ffn: FfnTensors, gelu: Gelu): tf.Tensor {
  const list = ffnList(ffn);
  return recorded(`ffn ${gelu} of ${list.length} tensors`, [x, ...list], ([x, ...tensors]) => [
    applyFfn(ffnOfList(tensors), x, gelu),
  ])[0];
}

/**
 * `loss = lossScale * ||FFN(x) - target||^2` over all tokens and outputs, and its gradient.
 * x, target: [N, D]. For the mean squared error lossScale is 1 / (N D); for the error relative to the teacher's
 * centred output energy it is 1 / (N energyPerToken). Caller disposes `loss` (a scalar) and the gradients.
 */
export function distillGradients(
  x: tf.Tensor,
  target: tf.Tensor,
  parameters: FfnTensors,
  gelu: Gelu,
  lossScale: number | tf.Tensor,
): { loss: tf.Scalar; gradients: FfnTensors } {
  return tf.tidy(() => {
    const scaled = scaleWeights(parameters, gelu);
    const { gateKernel, gateBias } = scaled;
    const linearPart = linear(x, scaled.fc1Kernel, scaled.fc1Bias);
    const isGated = gateKernel !== undefined && gateBias !== undefined;
    const { value, slope } = activate(isGated ? linear(x, gateKernel, gateBias) : linearPart, gelu);
    const hidden = isGated ? tf.mul(value, linearPart) : value;
    const error = tf.tidy(() => tf.sub(linear(hidden, scaled.fc2Kernel, scaled.fc2Bias), target));
    const loss = tf.tidy(() => tf.mul<tf.Scalar>(tf.sum(tf.square(error)), lossScale));
    const dHidden = product(error, scaled.fc2Kernel, false, true);
    // What the activation is applied to: the gate where there is one, else fc1's output.
    const du = tf.tidy(() => tf.mul(isGated ? tf.mul(dHidden, linearPart) : dHidden, slope()));
    const { inner, outer } = scales(gelu);
    const times = (x: tf.Tensor, factor: number): tf.Tensor => tf.mul(x, tf.mul(lossScale, 2 * factor));
    const layer = (gradient: tf.Tensor, factor: number): [tf.Tensor, tf.Tensor] => [
      times(product(x, gradient, true), factor),
      times(sumRows(gradient), factor),
    ];
    const activated = layer(du, inner);
    const [fc1Kernel, fc1Bias] = isGated ? layer(tf.mul(dHidden, value), 1) : activated;
    return {
      loss,
      gradients: {
        fc1Kernel,
        fc1Bias,
        ...(isGated && { gateKernel: activated[0], gateBias: activated[1] }),
        fc2Kernel: times(product(hidden, error, true), outer),
        fc2Bias: times(sumRows(error), 1),
      },
    };
  });
}

const scalesOf = {
  exact: { inner: Math.SQRT1_2, outer: Math.SQRT1_2 },
  tanh: { inner: 1, outer: 1 },
  quick: { inner: 1.702, outer: 1 / 1.702 },
  silu: { inner: 1, outer: 1 },
  relu: { inner: 1, outer: 1 },
} as const;

/** GELU(z) = outer * value(inner * z): fc1, or the gate where there is one, is multiplied by `inner`, fc2's kernel by `outer`. */
function scales(gelu: Gelu): { inner: number; outer: number } {
  return scalesOf[gelu];
}

function scaleWeights(parameters: FfnTensors, gelu: Gelu): FfnTensors {
  const { inner, outer } = scales(gelu);
  if (inner === 1 && outer === 1) return parameters;
  const { gateKernel, gateBias } = parameters;
  const fc2Kernel = tf.mul(parameters.fc2Kernel, outer);
  if (gateKernel !== undefined && gateBias !== undefined) {
    return {
      ...parameters,
      gateKernel: tf.mul(gateKernel, inner),
      gateBias: tf.mul(gateBias, inner),
      fc2Kernel,
    };
  }
  const [fc1Kernel, fc1Bias] = [tf.mul(parameters.fc1Kernel, inner), tf.mul(parameters.fc1Bias, inner)];
  return { ...parameters, fc1Kernel, fc1Bias, fc2Kernel };
}

interface Activation {
  readonly value: tf.Tensor;
  /** d value / d u, made when asked for. */
  readonly slope: () => tf.Tensor;
}

const activations = {
  exact: activateExact,
  tanh: activateTanh,
  quick: activateSigmoid,
  silu: activateSigmoid,
  relu: activateRelu,
};

function activate(u: tf.Tensor, gelu: Gelu): Activation {
  return activations[gelu](u);
}

/**
 * With u = z / sqrt(2): value = u (1 + erf u), slope = 1 + erf u + (2 / sqrt(pi)) u exp(-u^2). Dividing by exp(u^2)
 * saves the negation; where it overflows, from |u| = 9.4 on, the quotient is the 0 it should be.
 */
function activateExact(u: tf.Tensor): Activation {
  const p = tf.tidy(() => tf.add(tf.erf(u), 1));
  return {
    value: tf.mul(u, p),
    slope: () => tf.tidy(() => tf.add(tf.mul(tf.div(u, tf.exp(tf.square(u))), 2 / Math.sqrt(Math.PI)), p)),
  };
}

/** value = z s, s = sigmoid(z (a + b z^2)); slope = s + value (1 - s) (a + 3 b z^2) (Hendrycks & Gimpel 2016). */
function activateTanh(z: tf.Tensor): Activation {
  const a = 2 * Math.sqrt(2 / Math.PI);
  const b = 0.044715 * a;
  const squared = tf.square(z);
  const s = tf.tidy(() => tf.sigmoid(tf.mul(z, tf.add(tf.mul(squared, b), a))));
  const value = tf.mul(z, s);
  return {
    value,
    slope: () =>
      tf.tidy(() => {
        const inner = tf.add(tf.mul(squared, 3 * b), a);
        return tf.add(tf.mul(tf.mul(value, tf.sub(1, s)), inner), s);
      }),
  };
}

function activateRelu(u: tf.Tensor): Activation {
  return { value: tf.relu(u), slope: () => tf.tidy(() => tf.cast(tf.greater(u, 0), 'float32')) };
}

/** With u = 1.702 z, of silu z itself: value = u s, s = sigmoid(u); slope = s + value (1 - s) (Hendrycks & Gimpel 2016). */
function activateSigmoid(u: tf.Tensor): Activation {
  const s = tf.sigmoid(u);
  const value = tf.mul(u, s);
  return { value, slope: () => tf.tidy(() => tf.add(tf.mul(value, tf.sub(1, s)), s)) };
}
