/** Products of the size of a small block's training on the wasm engine, in one process: `products.ts COUNT`. */
import * as tf from '@tensorflow/tfjs-core';
import { loadEngine } from '../../pipeline/tensor/engine.ts';

await loadEngine('wasm');
const [a, b] = [
  tf.randomUniform([512, 192], -1, 1, 'float32', 1),
  tf.randomUniform([192, 768], -1, 1, 'float32', 2),
];
for (let i = 0; i < Number(process.argv[2]); i++) {
  const product = tf.matMul(a, b);
  await product.data();
  product.dispose();
}
