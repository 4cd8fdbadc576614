import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { criteria } from '../../../pipeline/compress/order/criteria.ts';
import type { Order } from '../../../pipeline/compress/order/criterion.ts';
import { denoisedVariance, noiseEdge } from '../../../pipeline/compress/order/denoised-variance.ts';
import { eigenAbove } from '../../../pipeline/tensor/float64/eigen-above.ts';
import { activeEnergy, taylor } from '../../../pipeline/compress/order/scores.ts';
import { createActiveRate, createSaliency } from '../../../pipeline/compress/unit-means.ts';
import { random } from '../../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../../support/engines.ts';
import { sampleBlock, twoPass } from '../sample-block.ts';
import { present } from '../../support/present.ts';

const { weights, statistics, activations } = sampleBlock({ width: 5, hidden: 9, count: 120 });
const ridge = 1e-4;
const input = { weights, statistics, ridge };

function assertScores(order: Order, expected: readonly number[], tolerance = 1e-12): void {
  expected.forEach((value, j) =>
    assert.ok(Math.abs(present(order.scores)[j]! - value) <= tolerance * (1 + Math.abs(value)), `unit ${j}`),
  );
  const sorted = expected.map((_, j) => j).sort((a, b) => expected[b]! - expected[a]!);
  assert.deepEqual([...order.units], sorted);
}

const unitOf = (j: number): number[] => Array.from({ length: 120 }, (_, t) => activations[t * 9 + j]!);
const units = Array.from({ length: 9 }, (_, j) => j);

describe('order criteria', () => {
  it('magnitude sums fc1 columns and fc2 rows, fc1-magnitude the columns alone', () => {
    const fc1 = units.map((j) =>
      [0, 1, 2, 3, 4].reduce((sum, d) => sum + Math.abs(weights.fc1Kernel[d * 9 + j]!), 0),
    );
    const fc2 = units.map((j) =>
      [0, 1, 2, 3, 4].reduce((sum, d) => sum + Math.abs(weights.fc2Kernel[j * 5 + d]!), 0),
    );
    assertScores(criteria['fc1-magnitude'].order(input), fc1);
    assertScores(
      criteria.magnitude.order(input),
      fc1.map((value, j) => value + fc2[j]!),
    );
  });

  it('variance is that of the raw activations', () => {
    const expected = units.map((j) => {
      const mean = unitOf(j).reduce((a, b) => a + b, 0) / 120;
      return unitOf(j).reduce((sum, value) => sum + (value - mean) ** 2, 0) / 120;
    });
    assertScores(criteria.variance.order(input), expected);
  });

  it('contribution is the root mean square times the norm of the fc2 row', () => {
    const expected = units.map((j) => {
      const energy = unitOf(j).reduce((sum, value) => sum + value * value, 0) / 120;
      const row = [0, 1, 2, 3, 4].reduce((sum, d) => sum + weights.fc2Kernel[j * 5 + d]! ** 2, 0);
      return Math.sqrt(energy * row);
    });
    assertScores(criteria.contribution.order(input), expected, 1e-9);
  });

  it('active-energy and taylor refuse to guess what they were not given', () => {
    assert.throws(() => activeEnergy(input), /needs the active rate of 9 units/);
    assert.throws(() => taylor(input), /needs the saliency of 9 units/);
    assertScores(
      taylor({ ...input, saliency: Float64Array.from(units, (j) => (j * 5) % 9) }),
      units.map((j) => (j * 5) % 9),
    );
  });
});

describe('denoised variance', () => {
  // Two directions shared by many units over independent noise of variance 0.04: the signal is known.
  const [hidden, count] = [24, 4000];
  const numbers = random(2, 'denoise');
  const loadings = Array.from({ length: 2 }, () => Array.from({ length: hidden }, () => numbers.normal()));
  const h = new Float64Array(count * hidden);
  for (let t = 0; t < count; t++) {
    const factors = [numbers.normal(), numbers.normal()];
    for (let j = 0; j < hidden; j++) {
      h[t * hidden + j] =
        0.2 * numbers.normal() + factors[0]! * loadings[0]![j]! + factors[1]! * loadings[1]![j]!;
    }
  }
  const sample = twoPass(h, hidden);

  it('keeps the two directions above the edge and half of the rest', () => {
    const edge = noiseEdge(sample.covariance, hidden, count);
    assert.equal(eigenAbove(sample.covariance, hidden, edge).values.length, 2);
    const { scores } = denoisedVariance({ ...input, statistics: sample });
    for (let j = 0; j < hidden; j++) {
      const signal = loadings[0]![j]! ** 2 + loadings[1]![j]! ** 2;
      // 4,000 samples: a variance is known to 2.2 % at one standard error.
      assert.ok(Math.abs(present(scores)[j]! - (signal + 0.04 / 2)) < 0.1 * signal + 0.01, `unit ${j}`);
      assert.ok(present(scores)[j]! < sample.covariance[j * hidden + j]!);
    }
  });

  it('puts the edge where Marchenko and Pastur have it for pure noise', () => {
    const pure = Float64Array.from({ length: 600 * 150 }, () => numbers.normal());
    const { covariance } = twoPass(pure, 150);
    const { values } = eigenAbove(covariance, 150, -Infinity);
    assert.equal(values.length, 150);
    const edge = noiseEdge(covariance, 150, 600);
    assert.ok(Math.abs(edge - 2.25) < 0.05, `(1 + 1/2)^2 times a variance near 1 expected, got ${edge}`);
    assert.ok(Math.abs(values[0]! - edge) < 0.15);
  });
});

describeOnEachEngine('what single criteria collect', () => {
  const first = activations.slice(0, 50 * 9);
  const rest = activations.slice(50 * 9);

  it("counts tokens above a hundredth of the first batch's root mean square", () => {
    const rate = createActiveRate(9);
    for (const part of [first, rest]) {
      const h = tf.tensor2d(Float32Array.from(part), [part.length / 9, 9]);
      rate.add({ hidden: h });
      h.dispose();
    }
    const threshold = 0.01 * Math.sqrt(first.reduce((sum, value) => sum + value * value, 0) / first.length);
    const found = rate.finish();
    const expected = units.map((j) => unitOf(j).filter((value) => Math.abs(value) > threshold).length / 120);
    expected.forEach((share, j) => assert.ok(Math.abs(found[j]! - share) < 1e-12));
    assert.ok(
      expected.some((share) => share < 1),
      'the threshold must matter here',
    );
    assertScores(
      activeEnergy({ ...input, activeRate: found }),
      units.map((j) => (unitOf(j).reduce((sum, value) => sum + value * value, 0) / 120) * expected[j]!),
      1e-9,
    );
  });

  it('averages |gradient x activation| over batches within float32', () => {
    const numbers = random(4, 'gradients');
    const gradients = Float32Array.from({ length: 120 * 5 }, () => numbers.normal());
    const saliency = createSaliency(9);
    const kernel = tf.tensor2d(weights.fc2Kernel, [9, 5]);
    for (const [from, to] of [
      [0, 50],
      [50, 120],
    ] as const) {
      const h = tf.tensor2d(Float32Array.from(activations.slice(from * 9, to * 9)), [to - from, 9]);
      const g = tf.tensor2d(gradients.slice(from * 5, to * 5), [to - from, 5]);
      saliency.add({ hidden: h, back: { outputGradient: g, fc2Kernel: kernel } });
      tf.dispose([h, g]);
    }
    kernel.dispose();
    tf.tidy(() => assert.throws(() => saliency.add({ hidden: tf.zeros([1, 9]) }), /of the pass back/));
    saliency.finish().forEach((found, j) => {
      let expected = 0;
      for (let t = 0; t < 120; t++) {
        let gradient = 0;
        for (let d = 0; d < 5; d++) gradient += gradients[t * 5 + d]! * weights.fc2Kernel[j * 5 + d]!;
        expected += Math.abs(gradient * activations[t * 9 + j]!) / 120;
      }
      assert.ok(Math.abs(found - expected) < 1e-5 * (1 + expected));
    });
  });
});
