/**
 * What the engine's matrix product reaches at the shapes of an FFN block: the ceiling that other benches divide by.
 *
 *     npx tsx bench/matmul.ts [auto|tensorflow|wasm]
 */
import * as tf from '@tensorflow/tfjs-core';
import { performance } from 'node:perf_hooks';
import { loadEngine, type EngineChoice } from '../pipeline/tensor/engine.ts';
import { product } from '../pipeline/tensor/ops.ts';

/** One product [rows, inner] x [inner, columns], where a transposed operand is stored the other way round. */
export interface MatmulShape {
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
  readonly transposeA?: boolean;
  readonly transposeB?: boolean;
}

export interface MatmulRate {
  readonly shape: MatmulShape;
  /** 2 * rows * inner * columns over the best time, in 1e9 per second. */
  readonly gigaflopsPerSecond: number;
  readonly bestMs: number;
  readonly repetitions: number;
}

/** fc1 of ViT-B pruned by half, forward and the two products of its gradient, for 8,192 tokens. */
export const ffnShapes: readonly MatmulShape[] = [
  { rows: 8192, inner: 768, columns: 1536 },
  { rows: 768, inner: 8192, columns: 1536, transposeA: true },
  { rows: 8192, inner: 1536, columns: 768, transposeB: true },
];

/**
 * Measures the engine that is loaded, through the product that all of BlockForge uses (on wasm it transposes explicitly). The best of several repetitions stands for the machine at rest; the first product, which also
 * packs and allocates, is not counted.
 *
 * @param secondsEach how long to repeat each shape, at least three times
 */
export async function matmulRate(
  shapes: readonly MatmulShape[] = ffnShapes,
  secondsEach = 1,
): Promise<readonly MatmulRate[]> {
  const rates: MatmulRate[] = [];
  for (const shape of shapes) {
    const { rows, inner, columns, transposeA = false, transposeB = false } = shape;
    const a = tf.randomNormal(transposeA ? [inner, rows] : [rows, inner], 0, 1, 'float32', 1);
    const b = tf.randomNormal(transposeB ? [columns, inner] : [inner, columns], 0, 1, 'float32', 2);
    await timeProduct(a, b, transposeA, transposeB);
    let bestMs = Infinity;
    let repetitions = 0;
    for (
      const start = performance.now();
      repetitions < 3 || performance.now() - start < secondsEach * 1e3;
      repetitions++
    ) {
      bestMs = Math.min(bestMs, await timeProduct(a, b, transposeA, transposeB));
    }
    tf.dispose([a, b]);
    const gigaflopsPerSecond = (2 * rows * inner * columns) / bestMs / 1e6;
    rates.push({ shape, gigaflopsPerSecond, bestMs, repetitions });
  }
  return rates;
}

/** Milliseconds until one element of the product is here: a GPU answers at once and computes later. */
async function timeProduct(
  a: tf.Tensor,
  b: tf.Tensor,
  transposeA: boolean,
  transposeB: boolean,
): Promise<number> {
  const start = performance.now();
  const corner = tf.tidy(() => tf.slice(product(a, b, transposeA, transposeB), [0, 0], [1, 1]));
  await corner.data();
  const elapsed = performance.now() - start;
  corner.dispose();
  return elapsed;
}

if (process.argv[1] === import.meta.filename) {
  const engine = await loadEngine((process.argv[2] ?? 'auto') as EngineChoice);
  console.log(engine.description);
  for (const { shape, gigaflopsPerSecond, bestMs, repetitions } of await matmulRate()) {
    const { rows, inner, columns, transposeA, transposeB } = shape;
    const form = `${rows} x ${inner}${transposeA ? "'" : ''}  times  ${inner} x ${columns}${transposeB ? "'" : ''}`;
    console.log(
      `${form.padEnd(36)}${gigaflopsPerSecond.toFixed(0).padStart(6)} GFLOP/s  best of ${repetitions}: ${bestMs.toFixed(1)} ms`,
    );
  }
}
