import * as tf from '@tensorflow/tfjs-core';
import { pathToFileURL } from 'node:url';
import { reconstruction } from '../pipeline/compress/order/reconstruction.ts';
import { refit } from '../pipeline/compress/refit.ts';
import { loadEngine } from '../pipeline/tensor/engine.ts';
import type { EngineChoice } from '../pipeline/tensor/engine.ts';
import { matrix, mirrorLower, transposed } from '../pipeline/tensor/float64/matrix.ts';
import { addProduct } from '../pipeline/tensor/float64/product.ts';
import { random } from '../pipeline/util/random.ts';
import { seconds } from './support/seconds.ts';

export interface OrderRefitCase {
  readonly width: number;
  readonly hidden: number;
}

export const orderRefitCases: Readonly<Record<string, OrderRefitCase>> = {
  'vit-tiny': { width: 192, hidden: 768 },
  'vit-base': { width: 768, hidden: 3072 },
};

/** Order one block by reconstruction and refit it to 60, 50, 40 and 30 % of its units. Host work, float64. */
export function benchOrderRefit({ width, hidden }: OrderRefitCase): {
  readonly orderSeconds: number;
  readonly refitSeconds: number;
  /** Rate of the float64 product that both are made of, in 1e9 operations a second. */
  readonly productGflops: number;
} {
  const numbers = random(1, 'order-refit');
  const uniform = (length: number) => Float32Array.from({ length }, () => numbers.next() - 0.5);
  const samples = matrix(hidden, hidden, Float64Array.from(uniform(hidden * hidden)));
  const covariance = matrix(hidden, hidden);
  const productSeconds = seconds(() =>
    addProduct(covariance, 1 / hidden, samples, transposed(samples), { lowerOnly: true }),
  );
  mirrorLower(covariance);
  const statistics = { count: hidden, mean: new Float64Array(hidden), covariance: covariance.data };
  const weights = {
    width,
    hidden,
    fc1Kernel: uniform(width * hidden),
    fc1Bias: uniform(hidden),
    fc2Kernel: uniform(hidden * width),
    fc2Bias: uniform(width),
  };
  const ridge = 1e-4;
  let units = new Int32Array();
  const orderSeconds = seconds(() => {
    units = Int32Array.from(reconstruction({ statistics, weights, ridge }).units);
  });
  const widths = [0.6, 0.5, 0.4, 0.3].map((share) => Math.round(share * hidden));
  const refitSeconds = seconds(
    () => void refit(weights, statistics, units, widths, { ridge, method: 'affine' }),
  );
  return { orderSeconds, refitSeconds, productGflops: hidden ** 3 / productSeconds / 1e9 };
}

/** Rate of the engine's own float32 product of the same size, in 1e9 operations a second. */
export function benchEngineProduct({ hidden }: OrderRefitCase): number {
  const a = tf.randomNormal<tf.Rank.R2>([hidden, hidden], 0, 1, 'float32', 1);
  const multiply = () => tf.tidy(() => void tf.sum(tf.matMul(a, a)).dataSync());
  multiply();
  const elapsed = seconds(multiply);
  a.dispose();
  return (2 * hidden ** 3) / elapsed / 1e9;
}

async function main(): Promise<void> {
  const [name = 'vit-tiny', choice = 'auto'] = process.argv.slice(2);
  const size = orderRefitCases[name]!;
  const { orderSeconds, refitSeconds, productGflops } = benchOrderRefit(size);
  const engine = await loadEngine(choice as EngineChoice);
  const engineGflops = benchEngineProduct(size);
  console.log(`${name}: H = ${size.hidden}, D = ${size.width}, one block, one thread, float64`);
  console.log(`  order ${orderSeconds.toFixed(2)} s, refit to four widths ${refitSeconds.toFixed(2)} s`);
  console.log(
    `  float64 product ${productGflops.toFixed(1)} GFLOP/s, ${(productGflops / engineGflops).toFixed(3)} of the ` +
      `${engineGflops.toFixed(0)} GFLOP/s of ${engine.description} in float32`,
  );
}

if (import.meta.url === pathToFileURL(process.argv[1]!).href) await main();
