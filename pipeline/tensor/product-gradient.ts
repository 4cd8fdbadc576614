import * as tf from '@tensorflow/tfjs-core';
import { product } from './ops.ts';
import { precision } from './recorded/precision.ts';

type Gradient = tf.GradConfig['gradFunc'];

let ours: Gradient | undefined;

/**
 * Gives TensorFlow.js' own matMul a gradient that is fast on `wasm`, in the precision of the moment elsewhere, and the stock
 * one where that is float32. Replacing the registered gradient (instead of a customGrad) keeps it lazy: the gradient of an input
 * that nobody asked for, such as the data entering the first layer, is never computed. Call it when an engine has been loaded: the
 * packages that engines come in register the stock gradient, over whatever was there.
 */
export function useProductGradient(): void {
  const { gradFunc } = tf.getGradient(tf.BatchMatMul);
  if (gradFunc === ours) return;
  ours = productGradient(gradFunc);
  tf.registerGradient({ kernelName: tf.BatchMatMul, inputsToSave: ['a', 'b'], gradFunc: ours });
}

function productGradient(stock: Gradient): Gradient {
  return (dy, saved, attrs) => {
    const isStock = tf.getBackend() !== 'wasm' && precision() === 'float32';
    if (isStock) return stock(dy, saved, attrs);
    const [a, b] = saved as [tf.Tensor, tf.Tensor];
    const d = dy as tf.Tensor;
    const { transposeA, transposeB } = attrs as unknown as tf.BatchMatMulAttrs;
    if (transposeA) {
      return {
        a: () => product(b, d, transposeB, true),
        b: () => (transposeB ? product(d, a, true, true) : product(a, d)),
      };
    }
    return {
      a: () => product(d, b, false, !transposeB),
      b: () => (transposeB ? product(d, a, true) : product(a, d, true)),
    };
  };
}
