import * as tf from '@tensorflow/tfjs-core';
import { linear, linearGelu, type Gelu } from '../tensor/ops.ts';
import { ffnNames, type FfnPart, type FfnWeights } from './ffn-weights.ts';

/** `FfnWeights` on the engine. Whoever uploads disposes; `teacherFfn` hands out the teacher's own tensors. */
export interface FfnTensors {
  /** [D, H] */
  readonly fc1Kernel: tf.Tensor;
  /** [H] */
  readonly fc1Bias: tf.Tensor;
  /** [H, D] */
  readonly fc2Kernel: tf.Tensor;
  /** [D] */
  readonly fc2Bias: tf.Tensor;
}

/** Caller disposes with `disposeFfn`. */
export function uploadFfn({ width, hidden, fc1Kernel, fc1Bias, fc2Kernel, fc2Bias }: FfnWeights): FfnTensors {
  return {
    fc1Kernel: tf.tensor2d(fc1Kernel, [width, hidden]),
    fc1Bias: tf.tensor1d(fc1Bias),
    fc2Kernel: tf.tensor2d(fc2Kernel, [hidden, width]),
    fc2Bias: tf.tensor1d(fc2Bias),
  };
}

/** The values back on the host, in arrays of their own. */
export async function downloadFfn(ffn: FfnTensors): Promise<FfnWeights> {
  const [width, hidden] = ffn.fc1Kernel.shape as [number, number];
  const copy = async (tensor: tf.Tensor): Promise<Float32Array> => (await tensor.data<'float32'>()).slice();
  return {
    width,
    hidden,
    fc1Kernel: await copy(ffn.fc1Kernel),
    fc1Bias: await copy(ffn.fc1Bias),
    fc2Kernel: await copy(ffn.fc2Kernel),
    fc2Bias: await copy(ffn.fc2Bias),
  };
}

export function disposeFfn({ fc1Kernel, fc1Bias, fc2Kernel, fc2Bias }: FfnTensors): void {
  tf.dispose([fc1Kernel, fc1Bias, fc2Kernel, fc2Bias]);
}

/** The teacher's own tensors of a block: not to be disposed. */
export function teacherFfn(
  { weights }: { readonly weights: Readonly<Record<string, tf.Tensor>> },
  block: number,
): FfnTensors {
  const names = ffnNames(block);
  const tensor = (part: FfnPart): tf.Tensor => {
    const found = weights[names[part]];
    if (found === undefined) throw new Error(`no tensor ${names[part]}`);
    return found;
  };
  return {
    fc1Kernel: tensor('fc1Kernel'),
    fc1Bias: tensor('fc1Bias'),
    fc2Kernel: tensor('fc2Kernel'),
    fc2Bias: tensor('fc2Bias'),
  };
}

/** What the hidden units make of z, the LayerNorm output [..., D]: `GELU(z W1 + b1)` [..., H]. Caller disposes. */
export function ffnHidden({ fc1Kernel, fc1Bias }: FfnTensors, z: tf.Tensor, kind: Gelu): tf.Tensor {
  return linearGelu(z, fc1Kernel, fc1Bias, kind);
}

/** What becomes of the hidden units [..., H]: `h W2 + b2` [..., D]. Caller disposes. */
export function ffnOutput({ fc2Kernel, fc2Bias }: FfnTensors, hidden: tf.Tensor): tf.Tensor {
  return linear(hidden, fc2Kernel, fc2Bias);
}

/**
 * The block's function, without the residual add: `GELU(z W1 + b1) W2 + b2`, z the LayerNorm output.
 * z: [N, D] or [B, T, D] -> same shape. Differentiable; caller disposes.
 */
export function applyFfn(ffn: FfnTensors, z: tf.Tensor, kind: Gelu): tf.Tensor {
  return tf.tidy(() => ffnOutput(ffn, ffnHidden(ffn, z, kind)));
}
