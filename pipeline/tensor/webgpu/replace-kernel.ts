import * as tf from '@tensorflow/tfjs-core';

type KernelContext = Parameters<tf.KernelConfig['kernelFunc']>[0];

/**
 * Puts another kernel before one of the webgpu backend's, which `answer` may leave the work to.
 *
 * @param answer gets what the kernel got, and the backend's own; undefined leaves it to that
 */
export function replaceKernel(
  kernelName: string,
  answer: (context: KernelContext, stock: tf.KernelConfig['kernelFunc']) => tf.TensorInfo | undefined,
): void {
  // Undefined where there is none, whatever the types of TensorFlow.js say.
  const stock = tf.getKernel(kernelName, 'webgpu') as tf.KernelConfig | undefined;
  if (stock === undefined) throw new Error(`the webgpu backend has no ${kernelName}`);
  tf.unregisterKernel(kernelName, 'webgpu');
  tf.registerKernel({
    ...stock,
    kernelFunc: (context) => answer(context, stock.kernelFunc) ?? stock.kernelFunc(context),
  });
}
