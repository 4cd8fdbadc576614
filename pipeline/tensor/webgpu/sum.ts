import * as tf from '@tensorflow/tfjs-core';
import { replaceKernel } from './replace-kernel.ts';
import type { Backend } from './types.ts';

/** Sums of fewer numbers are quick either way. */
const few = 65536;
const mostRows = 1024;

/**
 * Sums of everything in two rounds. The backend gives each sum to one workgroup: of 6 million numbers, a training step's loss, that takes
 * longer than the step's three largest products together (3.1 ms on an H200).
 */
export function replaceSum(): void {
  replaceKernel('Sum', (context, stock) => {
    const { x } = context.inputs as unknown as { x: tf.TensorInfo };
    const { axis, keepDims } = context.attrs as unknown as tf.SumAttrs;
    const axes = tf.util.parseAxisParam(axis, x.shape);
    const size = tf.util.sizeFromShape(x.shape);
    const rows = rowsOf(size);
    if (x.dtype !== 'float32' || axes.length !== x.shape.length || rows === undefined) return undefined;
    const backend = context.backend as unknown as Backend;
    const once = (values: tf.TensorInfo): tf.TensorInfo =>
      stock({
        inputs: { x: values },
        attrs: { axis: [values.shape.length - 1], keepDims: false },
        backend: context.backend,
      }) as tf.TensorInfo;
    const partial = once({ ...x, shape: [rows, size / rows] });
    const total = once(partial);
    backend.disposeData(partial.dataId);
    return keepDims ? { ...total, shape: x.shape.map(() => 1) } : total;
  });
}

/** Rows that `size` numbers divide into, or undefined where that is not worth it or comes out uneven. */
export function rowsOf(size: number): number | undefined {
  if (size < few) return undefined;
  for (let rows = mostRows; rows >= 64; rows /= 2) if (size % rows === 0) return rows;
  return undefined;
}
