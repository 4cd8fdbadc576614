import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { convolve } from '../../pipeline/tensor/convolve.ts';
import { pairMaximum } from '../../pipeline/tensor/pair-maximum.ts';
import { describeOnEachEngine } from '../support/engines.ts';

const at = (y: number, x: number): number => Math.sin(3 * y + 7 * x);

describeOnEachEngine('tensor/convolve', () => {
  for (const [kernel, stride] of [
    [3, 1],
    [3, 2],
    [1, 2],
    [7, 3],
  ] as const) {
    it(`is the sum over the kernel around every place, zeros outside (${kernel} x ${kernel}, stride ${stride}, within 1e-5)`, () => {
      const [height, width] = [2 * stride, 4 * stride];
      const map = Float32Array.from({ length: height * width }, (_, i) =>
        at(Math.floor(i / width), i % width),
      );
      const weight = Float32Array.from({ length: kernel ** 2 }, (_, i) => Math.cos(i));
      const found = tf.tidy(() =>
        convolve(
          tf.tensor4d(map, [1, height, width, 1]),
          tf.tensor2d(weight, [kernel ** 2, 1]),
          tf.tensor1d([0.5]),
          { kernel, stride },
        ).dataSync(),
      );
      const around = (kernel - 1) / 2;
      const expected = Array.from({ length: 8 }, (_, place) => {
        const [row, column] = [Math.floor(place / 4) * stride, (place % 4) * stride];
        return weight.reduce((sum, value, i) => {
          const [y, x] = [row + Math.floor(i / kernel) - around, column + (i % kernel) - around];
          return y < 0 || x < 0 || y >= height || x >= width ? sum : sum + value * at(y, x);
        }, 0.5);
      });
      assert.equal(found.length, 8);
      assert.ok(expected.every((value, i) => Math.abs(value - found[i]!) < 1e-5));
    });
  }

  it('refuses a stride that does not divide the map, and pooling an odd one', () => {
    tf.tidy(() => {
      const map = tf.zeros<tf.Rank.R4>([1, 3, 3, 1]);
      const bias = tf.zeros([1]);
      assert.throws(
        () => convolve(map, tf.zeros([9, 1]), bias, { kernel: 3, stride: 2 }),
        /3 x 3 is not divided by a stride of 2/,
      );
      assert.throws(() => pairMaximum(map), /3 x 3 has no halves/);
    });
  });

  it('pools 3 x 3 at every second place, and the gradient goes to the largest', () => {
    const map = Float32Array.from({ length: 4 * 6 }, (_, i) => 2 + at(Math.floor(i / 6), i % 6));
    const x = tf.tensor4d(map, [1, 4, 6, 1]);
    const places = [0, 1, 2, 3, 4, 5].map((place) => {
      const [row, column] = [2 * Math.floor(place / 3), 2 * (place % 3)];
      const seen = [-1, 0, 1].flatMap((dy) => [-1, 0, 1].map((dx) => [row + dy, column + dx] as const));
      const inside = seen.filter(([y, x]) => y >= 0 && x >= 0 && y < 4 && x < 6);
      return inside.reduce((best, place) => (at(...place) > at(...best) ? place : best));
    });
    const found = pairMaximum(x);
    assert.deepEqual(
      [...found.dataSync()],
      places.map(([y, x]) => map[6 * y + x]),
    );
    const gradient = tf.grad((x: tf.Tensor) => tf.sum(pairMaximum(x as tf.Tensor4D)))(x);
    const expected = new Array<number>(24).fill(0);
    for (const [y, x] of places) expected[6 * y + x]!++;
    assert.deepEqual([...gradient.dataSync()], expected);
    tf.dispose([x, found, gradient]);
  });
});
