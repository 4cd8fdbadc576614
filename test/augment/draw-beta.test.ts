import assert from 'node:assert/strict';
import { drawBeta } from '../../pipeline/augment/draw-beta.ts';
import { random } from '../../pipeline/util/random.ts';

const trials = 20_000;

describe('drawBeta', () => {
  for (const alpha of [0.05, 0.2, 0.8, 1, 3]) {
    it(`has mean, variance and fourth moment of Beta(${alpha}, ${alpha})`, () => {
      const chance = random(11, 'beta', alpha);
      const draws = Array.from({ length: trials }, () => drawBeta(alpha, chance) - 0.5);
      assert.ok(draws.every((x) => Math.abs(x) <= 0.5));
      const moment = (power: number) => draws.reduce((sum, x) => sum + x ** power, 0) / trials;
      const variance = 1 / (8 * alpha + 4);
      const fourth = (3 * variance * variance * (2 * alpha + 1)) / (2 * alpha + 3);
      // Four standard deviations of what a mean of so many draws of x, and of x^2, has.
      assert.ok(Math.abs(moment(1)) < 4 * Math.sqrt(variance / trials), `mean ${moment(1)}`);
      const spread = Math.sqrt((fourth - variance ** 2) / trials);
      assert.ok(Math.abs(moment(2) - variance) < 4 * spread, `variance ${moment(2)}, not ${variance}`);
      assert.ok(Math.abs(moment(4) / fourth - 1) < 0.05, `fourth moment ${moment(4)}, not ${fourth}`);
    });
  }

  it('is uniform for alpha 1', () => {
    const chance = random(12);
    const draws = Array.from({ length: trials }, () => drawBeta(1, chance)).sort((a, b) => a - b);
    const furthest = Math.max(...draws.map((x, i) => Math.abs(x - (i + 0.5) / trials)));
    // Kolmogorov-Smirnov at one in ten thousand.
    assert.ok(furthest < 2.23 / Math.sqrt(trials), `${furthest}`);
  });
});
