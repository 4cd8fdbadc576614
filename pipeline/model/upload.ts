import * as tf from '@tensorflow/tfjs-core';
import type { Architecture } from './architecture.ts';
import type { ModelTensors } from './backbone.ts';
import { canonicalShapes, type HostWeights } from './host-weights.ts';

/** A teacher on the engine. Kernels are [in, out]; the patch kernel is [p * p * C, D] in `patchify`'s order. */
export interface TeacherTensors extends ModelTensors {
  dispose(): void;
}

/** Caller disposes the model. */
export function uploadTeacher(host: HostWeights, architecture: Architecture): TeacherTensors {
  const weights = uploadWeights(host, architecture);
  return { architecture, weights, dispose: () => tf.dispose(weights) };
}

/**
 * Canonical host weights -> tensors by the same names, kernels turned once to [in, out]. Caller disposes.
 * @param names default: all that the architecture has
 */
export function uploadWeights(
  host: HostWeights,
  architecture: Architecture,
  names?: readonly string[],
): Record<string, tf.Tensor> {
  const shapes = canonicalShapes(architecture);
  return tf.tidy(() => {
    const weights: Record<string, tf.Tensor> = {};
    for (const name of names ?? Object.keys(shapes)) {
      const stored = host[name];
      const shape = shapes[name];
      if (stored === undefined || shape === undefined) throw new Error(`no tensor ${name}`);
      const tensor = tf.tensor(stored.data, [...shape]);
      if (shape.length === 2) weights[name] = tf.transpose(tensor);
      else if (shape.length === 4) {
        weights[name] = tf.reshape(tf.transpose(tensor, [2, 3, 1, 0]), [-1, shape[0]!]);
      } else weights[name] = tensor;
    }
    return weights;
  });
}

/** The inverse of `uploadWeights`: trained tensors as canonical host weights. The tensors stay the caller's. */
export async function downloadWeights(
  weights: Readonly<Record<string, tf.Tensor>>,
  architecture: Architecture,
): Promise<HostWeights> {
  const host: HostWeights = {};
  for (const [name, shape] of Object.entries(canonicalShapes(architecture))) {
    const tensor = weights[name];
    if (tensor === undefined) throw new Error(`no tensor ${name}`);
    const canonical = tf.tidy(() => {
      if (shape.length === 2) return tf.transpose(tensor);
      if (shape.length !== 4) return tf.clone(tensor);
      const [width, channels, patch] = shape as [number, number, number];
      return tf.transpose(tf.reshape(tensor, [patch, patch, channels, width]), [3, 2, 0, 1]);
    });
    host[name] = { shape, data: (await canonical.data<'float32'>()).slice() };
    canonical.dispose();
  }
  return host;
}
