import assert from 'node:assert/strict';
import { criteria } from '../../../pipeline/compress/order/criteria.ts';
import { reconstruction } from '../../../pipeline/compress/order/reconstruction.ts';
import { refit } from '../../../pipeline/compress/refit.ts';
import { sliceFfn } from '../../../pipeline/model/ffn-weights.ts';
import { random } from '../../../pipeline/util/random.ts';
import { sampleBlock, type SampleBlock } from '../sample-block.ts';
import { present } from '../../support/present.ts';

const ridge = 1e-4;

/** Regularised error of the best fc2 for `units`, through the refit: an independent way to each removal's cost. */
function regularisedError({ weights, statistics }: SampleBlock, units: readonly number[]): number {
  if (units.length === 0) return Infinity;
  const rest = Array.from({ length: weights.hidden }, (_, j) => j).filter((j) => !units.includes(j));
  const options = { ridge, method: 'affine' } as const;
  const fit = refit(weights, statistics, [...units, ...rest], [units.length], options)[0]!;
  const norm = fit.weights.fc2Kernel.reduce((sum, w) => sum + w * w, 0);
  return fit.predictedError + fit.ridge * norm;
}

describe('reconstruction order', () => {
  it('removes, at every step, the unit whose removal costs least', () => {
    const block = sampleBlock({ hidden: 14, width: 5, count: 120 });
    const { units } = reconstruction({ ...block, ridge });
    const removals = [...units].reverse();
    let kept = Array.from({ length: 14 }, (_, j) => j);
    for (const removed of removals.slice(0, 13)) {
      const costs = kept.map((unit) => ({
        unit,
        error: regularisedError(
          block,
          kept.filter((other) => other !== unit),
        ),
      }));
      const best = costs.reduce((a, b) => (b.error < a.error ? b : a));
      assert.equal(removed, best.unit);
      kept = kept.filter((unit) => unit !== removed);
    }
  });

  it('predicts for every width what the refit computes, across several panels', () => {
    const block = sampleBlock({ hidden: 230, width: 7, count: 700 });
    const { units, predictedError } = reconstruction({ ...block, ridge });
    assert.deepEqual(
      [...units].sort((a, b) => a - b),
      [...Array(230).keys()],
    );
    assert.ok(predictedError !== undefined && predictedError.length === 231);
    const widths = Array.from({ length: 230 }, (_, k) => k + 1);
    const fits = refit(block.weights, block.statistics, units, widths, { ridge, method: 'affine' });
    const energy = predictedError[0]!;
    for (const { width, predictedError: error, relativePredictedError } of fits) {
      assert.ok(Math.abs(predictedError[width]! - error) < 1e-9 * energy, `width ${width}`);
      assert.ok(Math.abs(relativePredictedError - error / energy) < 1e-12);
    }
    for (let k = 1; k <= 230; k++) assert.ok(predictedError[k]! <= predictedError[k - 1]! + 1e-12 * energy);
  });

  it('does not depend on how the units are numbered', () => {
    const { weights, statistics } = sampleBlock({ hidden: 110, count: 400 });
    const shuffled = random(5).shuffle(Array.from({ length: 110 }, (_, j) => j));
    const permuted = {
      count: statistics.count,
      mean: Float64Array.from(shuffled, (j) => statistics.mean[j]!),
      covariance: Float64Array.from(
        shuffled.flatMap((i) => shuffled.map((j) => statistics.covariance[i * 110 + j]!)),
      ),
    };
    const original = reconstruction({ statistics, weights, ridge });
    const renamed = reconstruction({ statistics: permuted, weights: sliceFfn(weights, shuffled), ridge });
    assert.deepEqual(
      Int32Array.from(renamed.units, (j) => shuffled[j]!),
      original.units,
    );
  });

  it('drops dead and duplicated units first, at no cost', () => {
    const block = sampleBlock({ hidden: 12, count: 150 });
    const covariance = block.statistics.covariance.slice();
    const mean = block.statistics.mean.slice();
    for (let j = 0; j < 12; j++) {
      covariance[4 * 12 + j] = 0;
      covariance[j * 12 + 4] = 0;
    }
    for (let j = 0; j < 12; j++) covariance[9 * 12 + j] = covariance[2 * 12 + j]!;
    for (let j = 0; j < 12; j++) covariance[j * 12 + 9] = covariance[j * 12 + 2]!;
    mean[9] = mean[2]!;
    const { units, predictedError } = reconstruction({
      statistics: { count: 150, mean, covariance },
      weights: block.weights,
      ridge: 1e-8,
    });
    assert.ok(predictedError !== undefined);
    const firstTwo = [units[11]!, units[10]!].sort((a, b) => a - b);
    assert.ok(firstTwo.includes(4) && (firstTwo.includes(2) || firstTwo.includes(9)));
    assert.ok(predictedError[10]! < 1e-6 * predictedError[0]!);
  });

  it('survives statistics without any variance', () => {
    const { weights } = sampleBlock();
    const statistics = { count: 1, mean: new Float64Array(20), covariance: new Float64Array(400) };
    const order = reconstruction({ statistics, weights, ridge });
    assert.equal(order.ridgeRaised, true);
    assert.ok(order.predictedError?.every((error) => error === 0));
  });
});

describe('order criteria', () => {
  const block = sampleBlock({ hidden: 60, width: 8, count: 400 });

  it('follow their formulas on a block made for it', () => {
    const weights = {
      width: 2,
      hidden: 3,
      fc1Kernel: Float32Array.from([1, 2, 0, -1, 0, 0.5]),
      fc1Bias: new Float32Array(3),
      // Rows: |.|_1 = 1, 7, 3; |.|_2 = 1, 5, sqrt(5).
      fc2Kernel: Float32Array.from([1, 0, 3, -4, 1, 2]),
      fc2Bias: new Float32Array(2),
    };
    const statistics = {
      count: 10,
      mean: Float64Array.from([2, 0.1, 1]),
      covariance: Float64Array.from([1, 0, 0, 0, 0.04, 0, 0, 0, 3]),
    };
    const input = { statistics, weights, ridge };
    // magnitude 3, 9, 3.5; variance 1, 0.04, 3; contribution sqrt(5), sqrt(0.05) 5, sqrt(4 * 5).
    assert.deepEqual([...criteria.magnitude.order(input).units], [1, 2, 0]);
    assert.deepEqual([...criteria.variance.order(input).units], [2, 0, 1]);
    assert.deepEqual([...criteria.contribution.order(input).units], [2, 0, 1]);
  });

  it('all give permutations, and reconstruction the least error at every width tried', () => {
    const widths = [10, 25, 40];
    const asked = {
      activeRate: new Float64Array(60).fill(1),
      saliency: Float64Array.from({ length: 60 }, (_, j) => (j * 7) % 60),
    };
    const errors = Object.values(criteria).map((criterion) => {
      const { units } = criterion.order({ ...block, ...asked, ridge });
      assert.deepEqual(
        [...units].sort((a, b) => a - b),
        [...Array(60).keys()],
      );
      const fits = refit(block.weights, block.statistics, units, widths, { ridge, method: 'affine' });
      return fits.map(({ predictedError }) => predictedError);
    });
    const [best, ...others] = errors;
    for (const other of others)
      for (const [i, error] of other.entries()) assert.ok(present(best)[i]! < error);
  });
});
