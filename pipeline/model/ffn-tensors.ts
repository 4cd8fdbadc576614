import * as tf from '@tensorflow/tfjs-core';
import { gatedLinear, linear, linearGelu, type Gelu } from '../tensor/ops.ts';
import {
  ffnNames,
  ffnParts,
  mapParts,
  partOf,
  partShape,
  partsOf,
  type FfnPart,
  type FfnRecord,
  type FfnWeights,
} from './ffn-weights.ts';
import { known } from '../util/known.ts';

/**
 * `FfnWeights` on the engine, in the same shapes. Whoever uploads disposes; `teacherFfn` hands out the teacher's own tensors.
 */
export type FfnTensors = FfnRecord<tf.Tensor>;

/** Caller disposes with `disposeFfn`. */
export function uploadFfn(weights: FfnWeights): FfnTensors {
  return mapParts(partsOf(weights), (part) => tf.tensor(partOf(weights, part), partShape(part, weights)));
}

/** The values back on the host, in arrays of their own. */
export async function downloadFfn(ffn: FfnTensors): Promise<FfnWeights> {
  const [width, hidden] = ffn.fc1Kernel.shape as [number, number];
  const values = new Map<FfnPart, Float32Array>();
  for (const part of partsOf(ffn)) values.set(part, (await partOf(ffn, part).data<'float32'>()).slice());
  return { width, hidden, ...mapParts(partsOf(ffn), (part) => known(values, part)) };
}

export function disposeFfn(ffn: FfnTensors): void {
  tf.dispose(ffnList(ffn));
}

/** All tensors of a block in one order. */
export function ffnList(ffn: FfnTensors): tf.Tensor[] {
  return partsOf(ffn).map((part) => partOf(ffn, part));
}

/** What `ffnList` was made of. */
export function ffnOfList(tensors: readonly tf.Tensor[]): FfnTensors {
  const parts = ffnParts(tensors.length > ffnParts(false).length);
  return mapParts(parts, (part) => tensors[parts.indexOf(part)]!);
}

/** The teacher's own tensors of a block: not to be disposed. */
export function teacherFfn(
  { weights }: { readonly weights: Readonly<Record<string, tf.Tensor>> },
  block: number,
): FfnTensors {
  const names = ffnNames(block);
  return mapParts(ffnParts(weights[names.gateKernel] !== undefined), (part) => {
    const found = weights[names[part]];
    if (found === undefined) throw new Error(`no tensor ${names[part]}`);
    return found;
  });
}

/**
 * What the hidden units make of z, the LayerNorm output [..., D]: `act(z W1 + b1)`, gated `act(z Wg + bg) (z W1 + b1)`, [..., H].
 * Caller disposes.
 */
export function ffnHidden(
  { fc1Kernel, fc1Bias, gateKernel, gateBias }: FfnTensors,
  z: tf.Tensor,
  kind: Gelu,
): tf.Tensor {
  if (gateKernel === undefined || gateBias === undefined) return linearGelu(z, fc1Kernel, fc1Bias, kind);
  return gatedLinear(z, [fc1Kernel, fc1Bias], [gateKernel, gateBias], kind);
}

/** What becomes of the hidden units [..., H]: `h W2 + b2` [..., D]. Caller disposes. */
export function ffnOutput({ fc2Kernel, fc2Bias }: FfnTensors, hidden: tf.Tensor): tf.Tensor {
  return linear(hidden, fc2Kernel, fc2Bias);
}

/**
 * The block's function, without the residual add, z the LayerNorm output: `ffnHidden`, then `ffnOutput`.
 * z: [N, D] or [B, T, D] -> same shape. Differentiable; caller disposes.
 */
export function applyFfn(ffn: FfnTensors, z: tf.Tensor, kind: Gelu): tf.Tensor {
  return tf.tidy(() => ffnOutput(ffn, ffnHidden(ffn, z, kind)));
}
