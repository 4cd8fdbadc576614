import * as tf from '@tensorflow/tfjs-core';
import { product } from '../../pipeline/tensor/ops.ts';
import { withPrecision, type Precision } from '../../pipeline/tensor/recorded/precision.ts';
import { recorded } from '../../pipeline/tensor/recorded/recorded.ts';
import { ownSide, type Side } from './measure.ts';

/** A product [..., M, K] x [..., K, N] by the shapes of its factors as they are stored. */
export interface ProductShape {
  readonly left: readonly number[];
  readonly right: readonly number[];
  readonly transposeLeft?: boolean;
  readonly transposeRight?: boolean;
}

/** The engine's own products at some shapes, each once: what a bench made of them cannot outdo. Through the product that all of BlockForge uses. */
export function productsSide(
  shapes: readonly ProductShape[],
  precision: Precision = 'float32',
): { side: Side; flop: number; dispose(): void } {
  const pairs = shapes.map(({ left, right, transposeLeft = false, transposeRight = false }) => {
    const a = tf.randomNormal([...left], 0, 1, 'float32', 1);
    const b = tf.randomNormal([...right], 0, 1, 'float32', 2);
    const plain = () => product(a, b, transposeLeft, transposeRight);
    const key = `product for a bench, ${transposeLeft}, ${transposeRight}`;
    const inPrecision = () =>
      withPrecision(precision, () =>
        recorded(key, [a, b], ([a, b]) => [product(a, b, transposeLeft, transposeRight)]),
      )[0];
    return { a, b, multiply: precision === 'float32' ? plain : inPrecision };
  });
  return {
    side: ownSide((count) => {
      for (let i = 0; i < count; i++) {
        for (const { multiply } of pairs) {
          // One element is enough to have waited for a GPU.
          tf.tidy(() => {
            const result = multiply();
            const { rank, shape } = result;
            tf.slice(
              result,
              shape.map(() => 0),
              new Array<number>(rank).fill(1),
            ).dataSync();
          });
        }
      }
      return [];
    }),
    flop: shapes.reduce((sum, shape) => sum + flopOf(shape), 0),
    dispose: () => tf.dispose(pairs.map(({ a, b }) => [a, b])),
  };
}

/** Two for every multiply-add. */
export function flopOf({ left, right, transposeLeft = false, transposeRight = false }: ProductShape): number {
  const [rows, inner] = transposeLeft ? left.slice(-2).reverse() : left.slice(-2);
  const columns = transposeRight ? right.at(-2) : right.at(-1);
  const batch = left.slice(0, -2).reduce((size, extent) => size * extent, 1);
  return 2 * batch * (rows ?? 0) * (inner ?? 0) * (columns ?? 0);
}
