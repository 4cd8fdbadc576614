import assert from 'node:assert/strict';
import { refit } from '../../pipeline/compress/refit.ts';
import { sliceFfn } from '../../pipeline/model/ffn-weights.ts';
import { errorPerToken, leastSquares, outputOf, sampleBlock } from './sample-block.ts';

const block = sampleBlock({ width: 5, hidden: 24, count: 300 });
const { weights, tokens, activations, statistics } = block;
const units = Array.from({ length: 24 }, (_, i) => (i * 7) % 24);
const teacherOutput = outputOf(weights, tokens);
/** Small enough not to show at 1e-6, large enough to be a ridge. */
const ridge = 1e-12;

describe('refit', () => {
  it('equals ordinary least squares with an intercept on the raw activations', () => {
    for (const fit of refit(weights, statistics, units, [4, 12, 20], { ridge, method: 'affine' })) {
      const kept = units.slice(0, fit.width);
      const expected = leastSquares(activations, 24, kept, teacherOutput);
      for (let d = 0; d < 5; d++) {
        for (let i = 0; i < fit.width; i++) {
          assert.ok(Math.abs(fit.weights.fc2Kernel[i * 5 + d]! - expected[i]![d]!) < 1e-6);
        }
        assert.ok(Math.abs(fit.weights.fc2Bias[d]! - expected[fit.width]![d]!) < 1e-6);
      }
      assert.deepEqual(fit.weights.fc1Kernel, sliceFfn(weights, kept).fc1Kernel);
      assert.deepEqual(fit.weights.fc1Bias, sliceFfn(weights, kept).fc1Bias);
    }
  });

  it('predicts the residual of its own data, for every method and with a ridge that bites', () => {
    const energy = refit(weights, statistics, units, [1], { ridge, method: 'affine' })[0]!;
    for (const method of ['affine', 'mean-shift', 'none'] as const) {
      for (const fit of refit(weights, statistics, units, [1, 9, 24], { ridge: 0.05, method })) {
        const measured = errorPerToken(outputOf(fit.weights, tokens), teacherOutput, 300);
        assert.ok(
          Math.abs(measured - fit.predictedError) < 1e-5 * (1 + measured),
          `${method} ${fit.width}: ${measured}`,
        );
      }
    }
    const mean = teacherOutput.reduce((sum, y, i) => {
      sum[i % 5]! += y / 300;
      return sum;
    }, new Float64Array(5));
    const centred = errorPerToken(
      teacherOutput,
      teacherOutput.map((_, i) => mean[i % 5]!),
      300,
    );
    assert.ok(Math.abs(energy.predictedError / energy.relativePredictedError - centred) < 1e-9 * centred);
  });

  it('mean-shift and none keep the rows; only mean-shift moves the bias, by the mean of what went', () => {
    const options = { ridge, method: 'mean-shift' } as const;
    const shifted = refit(weights, statistics, units, [10], options)[0]!;
    const plain = refit(weights, statistics, units, [10], { ridge, method: 'none' })[0]!;
    const cut = sliceFfn(weights, units.slice(0, 10));
    assert.deepEqual(plain.weights, cut);
    assert.deepEqual(shifted.weights.fc2Kernel, cut.fc2Kernel);
    for (let d = 0; d < 5; d++) {
      const lost = units
        .slice(10)
        .reduce((sum, j) => sum + statistics.mean[j]! * weights.fc2Kernel[j * 5 + d]!, 0);
      assert.ok(Math.abs(shifted.weights.fc2Bias[d]! - weights.fc2Bias[d]! - lost) < 1e-6);
    }
    assert.ok(shifted.predictedError < plain.predictedError);
  });

  it('of all units gives the block back; more units never err more; widths come in the order asked for', () => {
    const widths = [24, 3, 12, 18, 6];
    const fits = refit(weights, statistics, units, widths, { ridge, method: 'affine' });
    assert.deepEqual(
      fits.map(({ width, weights: { hidden } }) => [width, hidden]),
      widths.map((width) => [width, width]),
    );
    assert.ok(fits[0]!.relativePredictedError < 1e-9);
    const sorted = fits.toSorted((a, b) => a.width - b.width);
    for (let i = 1; i < sorted.length; i++)
      assert.ok(sorted[i]!.predictedError < sorted[i - 1]!.predictedError);
    const alone = refit(weights, statistics, units, [12], { ridge, method: 'affine' })[0]!;
    for (const [i, w] of alone.weights.fc2Kernel.entries()) {
      assert.ok(Math.abs(w - fits[2]!.weights.fc2Kernel[i]!) < 1e-6);
    }
  });

  it('says when the ridge had to grow, and stays finite', () => {
    const twin = statistics.covariance.slice();
    for (let j = 0; j < 24; j++) twin[7 * 24 + j] = twin[j]!;
    for (let j = 0; j < 24; j++) twin[j * 24 + 7] = twin[j * 24]!;
    const degenerate = { ...statistics, covariance: twin };
    const fit = refit(weights, degenerate, units, [24], { ridge: 0, method: 'affine' })[0]!;
    assert.ok(fit.weights.fc2Kernel.every(Number.isFinite));
    assert.equal(fit.ridgeRaised, fit.ridge > 0);
    assert.throws(() => refit(weights, statistics, units, [25], { ridge, method: 'affine' }), /width 25/);
    assert.throws(() => refit(weights, statistics, [1, 2], [1], { ridge, method: 'none' }), RangeError);
  });
});
