import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { drawErasures } from '../../pipeline/augment/draw-erasures.ts';
import { erasePixels } from '../../pipeline/augment/erase-pixels.ts';
import { random } from '../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { reference, told } from './reference.ts';

const withProbability = (probability: number) => ({ erase: { probability } });

describe('drawErasures', () => {
  it("has timm's rectangles for the same draws", () => {
    for (const { size, draws, box } of reference.erasures) {
      const made = drawErasures(1, size, 1, withProbability(0.4), told({ next: draws }));
      assert.deepEqual(made[0]?.box ?? null, box);
    }
    assert.ok(reference.erasures.some(({ box }) => box === null));
  });

  it('erases so many images, and the area that is published', () => {
    const made = drawErasures(4000, 64, 1, withProbability(0.25), random(8));
    // Four standard deviations of a share of 0.25.
    assert.ok(Math.abs(made.length / 4000 - 0.25) < 0.028, `${made.length}`);
    const areas = made.map(({ box }) => (box.height * box.width) / 64 ** 2);
    // Sides are rounded to pixels, and the largest, longest rectangles do not fit and are drawn anew.
    assert.ok(areas.every((area) => area > 0.015 && area < 0.35));
    const mean = areas.reduce((sum, area) => sum + area, 0) / areas.length;
    assert.ok(Math.abs(mean - (0.02 + 1 / 3) / 2) < 0.015, `${mean}`);
    const ratios = made.map(({ box }) => Math.log(box.height / box.width));
    assert.ok(Math.abs(ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length) < 0.1);
    assert.ok(made.every(({ box }) => box.top + box.height <= 64 && box.left + box.width <= 64));
  });

  it('fills with noise of mean 0 and variance 1, and is the same for the same seed', () => {
    const draw = () => drawErasures(20, 48, 3, withProbability(1), random(9));
    const noise = draw().flatMap(({ noise }) => [...noise]);
    const mean = noise.reduce((sum, x) => sum + x, 0) / noise.length;
    const square = noise.reduce((sum, x) => sum + x * x, 0) / noise.length;
    assert.ok(noise.length > 10_000);
    assert.ok(Math.abs(mean) < 4 / Math.sqrt(noise.length), `${mean}`);
    assert.ok(Math.abs(square - 1) < 4 * Math.sqrt(2 / noise.length), `${square}`);
    assert.deepEqual(draw(), draw());
  });

  it('draws nothing where it is off', () => {
    assert.deepEqual(drawErasures(4, 32, 3, withProbability(0), told({})), []);
  });
});

describeOnEachEngine('erasePixels', () => {
  for (const channels of [1, 3]) {
    it(`puts noise into the rectangle and leaves the rest to the bit (${channels} channels)`, () => {
      const values = Float32Array.from({ length: 3 * 9 * 12 * channels }, (_, i) => Math.sin(i));
      const erasures = drawErasures(3, [9, 12], channels, withProbability(0.8), random(4));
      assert.ok(erasures.length > 0 && erasures.length < 3, 'some of the images are erased');
      const expected = values.slice();
      for (const { image, box, noise } of erasures) {
        let from = 0;
        for (let y = box.top; y < box.top + box.height; y++) {
          for (let x = box.left * channels; x < (box.left + box.width) * channels; x++) {
            expected[(image * 9 + y) * 12 * channels + x] = noise[from++]!;
          }
        }
      }
      const pixels = tf.tensor4d(values, [3, 9, 12, channels]);
      const erased = erasePixels(pixels, erasures);
      const sum = (x: tf.Tensor) => erasePixels(x as tf.Tensor4D, erasures).sum();
      const gradient = tf.tidy(() => tf.grad(sum)(pixels).dataSync());
      assert.deepEqual(erased.dataSync(), expected);
      assert.deepEqual(
        gradient,
        Float32Array.from(expected, (x, i) => (x === values[i] ? 1 : 0)),
      );
      tf.dispose([pixels, erased]);
    });
  }

  it('hands back a tensor of its own where nothing is erased', () => {
    const pixels = tf.ones<tf.Rank.R4>([1, 2, 2, 1]);
    const erased = erasePixels(pixels, []);
    pixels.dispose();
    assert.deepEqual([...erased.dataSync()], [1, 1, 1, 1]);
    erased.dispose();
  });
});
