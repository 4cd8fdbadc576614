import * as tf from '@tensorflow/tfjs-core';
import { matMul } from '../tensor/ops.ts';
import { withPrecision, type Precision } from '../tensor/recorded/precision.ts';
import { recorded } from '../tensor/recorded/recorded.ts';

export interface ProductShape {
  readonly tokens: number;
  /** D */
  readonly width: number;
  /** H' */
  readonly hidden: number;
}

const rounds = 3;
const measured = new Map<string, number>();

/**
 * How many times faster a product [tokens, D] x [D, H'] is in bfloat16, conversions included: the shortest of three runs that take turns,
 * once for a shape and process. To be asked only where there is no `bfloat16Obstacle`. Leaves no tensor behind.
 */
export function bfloat16Speedup({ tokens, width, hidden }: ProductShape): number {
  const key = `${tokens} ${width} ${hidden}`;
  const known = measured.get(key);
  if (known !== undefined) return known;
  const [x, kernel] = [tf.ones([tokens, width]), tf.ones([width, hidden])];
  const shortest: Record<Precision, number> = { float32: Infinity, bfloat16: Infinity };
  const run = (precision: Precision): void => {
    const [sum] = withPrecision(precision, () =>
      recorded('precision probe', [x, kernel], ([x, kernel]) => [tf.sum(matMul(x, kernel))]),
    );
    // Waits for the engine.
    sum.dataSync();
    sum.dispose();
  };
  run('float32');
  run('bfloat16');
  for (let round = 0; round < rounds; round++) {
    for (const precision of ['float32', 'bfloat16'] as const) {
      const began = performance.now();
      run(precision);
      shortest[precision] = Math.min(shortest[precision], performance.now() - began);
    }
  }
  tf.dispose([x, kernel]);
  const speedup = shortest.float32 / shortest.bfloat16;
  measured.set(key, speedup);
  return speedup;
}
