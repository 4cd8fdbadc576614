import * as tf from '@tensorflow/tfjs-core';

/** An attribute as the package's kernels hand it over; `type` is one of the binding's numbers. */
export interface KernelAttribute {
  readonly name: string;
  readonly type: number;
  readonly value: unknown;
}

/** What is used of tfjs-node-gpu's backend: every kernel of it ends in one of the two `execute`. */
export interface TensorflowBackend {
  readonly binding: TensorflowBinding;
  readonly isUsingGpuDevice: boolean;
  readonly executeSingleOutput: (
    name: string,
    attributes: readonly KernelAttribute[],
    inputs: readonly tf.TensorInfo[],
  ) => tf.Tensor;
  readonly executeMultipleOutputs: (
    name: string,
    attributes: readonly KernelAttribute[],
    inputs: readonly tf.TensorInfo[],
    outputs: number,
  ) => tf.Tensor[];
  readonly write: (values: tf.BackendValues, shape: number[], dtype: tf.DataType) => object;
  readonly readSync: (dataId: object) => tf.BackendValues;
}

export interface TensorflowBinding {
  readonly TF_ATTR_BOOL: number;
  readonly TF_ATTR_INT: number;
  readonly TF_ATTR_FLOAT: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_BOOL: number;
  /** Ours, from scripts/tensorflow/functions.cc; a binding compiled before it was there lacks it. */
  addFunction(definition: Uint8Array): void;
}

/** The backend that computes now, where it is TensorFlow's and its binding takes functions. */
export function functionBackend(): TensorflowBackend | undefined {
  if (tf.getBackend() !== 'tensorflow') return undefined;
  const backend = tf.backend() as unknown as TensorflowBackend;
  return 'addFunction' in backend.binding ? backend : undefined;
}
