import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** What fixtures/policy/make.py found, in float64. */
export const reference = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../fixtures/policy/reference.json'), 'utf8'),
) as {
  readonly withPrediction: readonly number[];
  readonly between: readonly (readonly number[])[];
  readonly units: readonly (readonly number[])[];
  readonly heads: readonly (readonly number[])[];
};

/** As `sines` there. */
export function sines<R extends tf.Rank>(shape: tf.ShapeMap[R], start = 0, step = 0.7): tf.Tensor<R> {
  const count = (shape as number[]).reduce((product, extent) => product * extent, 1);
  const values = Float32Array.from({ length: count }, (_, index) => Math.sin((start + index) * step));
  return tf.tensor(values, shape);
}

/** Each within `share` of the largest that is expected. */
export function assertClose(found: ArrayLike<number>, expected: readonly number[], share: number): void {
  assert.equal(found.length, expected.length);
  const size = Math.max(...expected.map(Math.abs));
  const worst = Math.max(...expected.map((value, index) => Math.abs(value - found[index]!)));
  assert.ok(worst <= share * size, `differs by ${worst}, at most ${share} of ${size}`);
}
