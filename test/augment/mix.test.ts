import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { drawCut } from '../../pipeline/augment/draw-cut.ts';
import { drawMix, type Mix } from '../../pipeline/augment/draw-mix.ts';
import { mixPixels } from '../../pipeline/augment/mix-pixels.ts';
import { mixTargets } from '../../pipeline/augment/mix-targets.ts';
import { dekdAugment, noAugment } from '../../pipeline/augment/schema.ts';
import { random } from '../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { reference, told } from './reference.ts';

function furthest(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  assert.equal(found.length, expected.length);
  return Array.from(found).reduce((most, x, i) => Math.max(most, Math.abs(x - expected[i]!)), 0);
}

/** Of a case of the reference, whose images are 5 x 6. */
function mixOf({ lambda, centre }: (typeof reference.mixes)[number]): Mix {
  if (centre === null) return { lambda, smoothing: 0.1 };
  const box = drawCut(lambda, { height: 5, width: 6 }, told({ integer: centre }));
  return { lambda: 1 - (box.height * box.width) / 30, box, smoothing: 0.1 };
}

describe('drawCut', () => {
  it("has timm's rectangles, at borders and for every share", () => {
    for (const { extent, lambda, centre, box } of reference.cuts) {
      assert.deepEqual(drawCut(lambda, extent, told({ integer: centre })), box);
    }
  });
});

describe('drawMix', () => {
  it('corrects the lambda of CutMix to the area that is left', () => {
    const chance = random(5);
    for (let i = 0; i < 200; i++) {
      const { lambda, box } = drawMix(8, [20, 30], { ...dekdAugment, mixup: 0 }, chance);
      if (box === undefined) assert.fail('expected a rectangle');
      assert.equal(lambda, 1 - (box.height * box.width) / 600);
    }
  });

  it('mixes as often as told, and by CutMix as often as told', () => {
    const chance = random(6);
    const settings = { ...dekdAugment, mixProbability: 0.7, switchProbability: 0.25 };
    const mixes = Array.from({ length: 4000 }, () => drawMix(8, 32, settings, chance));
    const cut = mixes.filter(({ box }) => box !== undefined).length / 4000;
    const mixed = mixes.filter(({ box, lambda }) => box === undefined && lambda < 1);
    // Shares of 0.175 and 0.525: four standard deviations.
    assert.ok(Math.abs(cut - 0.175) < 0.024, `${cut}`);
    assert.ok(Math.abs(mixed.length / 4000 - 0.525) < 0.032, `${mixed.length / 4000}`);
    const variance = mixed.reduce((sum, { lambda }) => sum + (lambda - 0.5) ** 2, 0) / mixed.length;
    assert.ok(Math.abs(variance - 1 / (8 * 0.8 + 4)) < 0.008, `${variance}`);
  });

  it('draws the same for the same seed', () => {
    const draw = () => Array.from({ length: 5 }, (_, i) => drawMix(8, 32, dekdAugment, random(7, i)));
    assert.deepEqual(draw(), draw());
  });

  it('leaves a batch as it is where nothing is on, where it holds one image, and where chance says so', () => {
    assert.deepEqual(drawMix(8, 32, noAugment, random(1)), { lambda: 1, smoothing: 0 });
    assert.deepEqual(drawMix(1, 32, dekdAugment, random(1)), { lambda: 1, smoothing: 0.1 });
    const never = { ...dekdAugment, mixProbability: 0 };
    assert.deepEqual(drawMix(8, 32, never, random(1)), { lambda: 1, smoothing: 0.1 });
  });
});

describeOnEachEngine('mixPixels and mixTargets', () => {
  const values = Float32Array.from({ length: 4 * 3 * 5 * 6 }, (_, i) => Math.sin(i));

  it("give timm's pixels and targets", () => {
    for (const stored of reference.mixes) {
      const mix = mixOf(stored);
      const { pixels, targets } = tf.tidy(() => ({
        // The reference has channels first.
        pixels: mixPixels(tf.tensor4d(values, [4, 3, 5, 6]).transpose([0, 2, 3, 1]), mix).dataSync(),
        targets: mixTargets(tf.oneHot([2, 0, 4, 1], 5).cast<tf.Tensor2D>('float32'), mix).dataSync(),
      }));
      // Sums of two float32 products of numbers up to 1.
      assert.ok(furthest(pixels, stored.pixels) < 2e-7, `pixels, lambda ${stored.lambda}`);
      assert.ok(furthest(targets, stored.targets.flat()) < 2e-7, `targets, lambda ${stored.lambda}`);
    }
  });

  it('let gradients through to both images: finite differences of a loss', () => {
    const weights = Float32Array.from(values, (x) => Math.cos(3 * x));
    for (const stored of reference.mixes) {
      const mix = mixOf(stored);
      // Twice: once the closed form on the host in float64, once on the engine.
      const loss = (x: tf.Tensor): tf.Scalar =>
        tf.sum(
          mixPixels(x.reshape<tf.Tensor4D>([4, 5, 6, 3]), mix)
            .square()
            .mul(tf.tensor4d(weights, [4, 5, 6, 3])),
        );
      const at = (x: Float32Array): number => {
        let sum = 0;
        x.forEach((own, i) => {
          const other = x[(3 - Math.floor(i / 90)) * 90 + (i % 90)]!;
          const [row, column] = [Math.floor((i % 90) / 18), Math.floor((i % 18) / 3)];
          const theirs = mix.box === undefined ? 1 - mix.lambda : isIn(mix.box, row, column) ? 1 : 0;
          sum += weights[i]! * (own * (1 - theirs) + other * theirs) ** 2;
        });
        return sum;
      };
      const gradient = tf.tidy(() => tf.grad(loss)(tf.tensor1d(values)).dataSync());
      for (const place of [0, 17, 95, 140, 222, 301, 359]) {
        const moved = (by: number) => at(values.map((x, i) => (i === place ? x + by : x)));
        const step = 2 ** -8;
        const slope = (moved(step) - moved(-step)) / (2 * step);
        // The loss is a parabola; values are rounded to float32 before they are moved.
        assert.ok(Math.abs(gradient[place]! - slope) < 1e-4, `${place}: ${gradient[place]}, ${slope}`);
      }
    }
  });

  it('keep what a batch of odd size has in its middle', () => {
    const pixels = tf.tensor4d(values.subarray(0, 90 * 3), [3, 5, 6, 3]);
    const mixed = mixPixels(pixels, { lambda: 0.25, smoothing: 0 });
    assert.ok(furthest(mixed.dataSync().slice(90, 180), values.slice(90, 180)) < 2e-7);
    tf.dispose([pixels, mixed]);
  });

  it('hand back tensors of their own where nothing is mixed', () => {
    const [pixels, targets] = [tf.ones<tf.Rank.R4>([2, 2, 2, 1]), tf.ones<tf.Rank.R2>([2, 3])];
    const mix = { lambda: 1, smoothing: 0 };
    const made = [mixPixels(pixels, mix), mixTargets(targets, mix)];
    tf.dispose([pixels, targets]);
    assert.deepEqual([...made[0]!.dataSync(), ...made[1]!.dataSync()], new Array(14).fill(1));
    tf.dispose(made);
  });
});

function isIn(box: NonNullable<Mix['box']>, row: number, column: number): boolean {
  const [y, x] = [row - box.top, column - box.left];
  return y >= 0 && y < box.height && x >= 0 && x < box.width;
}
