import assert from 'node:assert/strict';
import {
  meanInterval,
  pairedDifferencePp,
  pairedScoresPp,
  proportionPercent,
  twoSidedQuantile,
} from '../../pipeline/measure/interval.ts';
import { random } from '../../pipeline/util/random.ts';

const near = (found: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(found - expected) <= tolerance, `${found} is not ${expected} +- ${tolerance}`);

/** Coverage of the paired interval, exactly: the sum of trinomial probabilities of the outcomes that cover. */
function exactCoverage(images: number, gainShare: number, lossShare: number): number {
  const logFactorial = [0];
  for (let i = 1; i <= images; i++) logFactorial.push(logFactorial[i - 1]! + Math.log(i));
  const truth = 100 * (gainShare - lossShare);
  let covered = 0;
  for (let gains = 0; gains <= images; gains++) {
    for (let losses = 0; gains + losses <= images; losses++) {
      const rest = images - gains - losses;
      const probability = Math.exp(
        logFactorial[images]! -
          logFactorial[gains]! -
          logFactorial[losses]! -
          logFactorial[rest]! +
          gains * Math.log(gainShare) +
          losses * Math.log(lossShare) +
          rest * Math.log(1 - gainShare - lossShare),
      );
      if (probability < 1e-12) continue;
      const { low, high } = pairedDifferencePp(gains, losses, images);
      if (low <= truth && truth <= high) covered += probability;
    }
  }
  return covered;
}

describe('measure/interval', () => {
  it('knows the normal quantiles', () => {
    near(twoSidedQuantile(0.95), 1.959963984540054, 1e-12);
    near(twoSidedQuantile(0.99), 2.5758293035489004, 1e-12);
    near(twoSidedQuantile(0.6826894921370859), 1, 1e-12);
    near(twoSidedQuantile(0.999999), 4.891638475698, 1e-9);
    assert.throws(() => twoSidedQuantile(1), RangeError);
  });

  it('gives the published Wilson limits and stays inside 0..100', () => {
    // Newcombe, Statistics in Medicine 17, 1998, 857-872, table I: 81/263, 15/148, 0/20, 1/29.
    const published: [number, number, number, number][] = [
      [81, 263, 0.2553, 0.3662],
      [15, 148, 0.0624, 0.1605],
      [0, 20, 0, 0.1611],
      [1, 29, 0.0061, 0.1718],
    ];
    for (const [successes, images, low, high] of published) {
      const interval = proportionPercent(successes, images);
      near(interval.low / 100, low, 5e-5);
      near(interval.high / 100, high, 5e-5);
      assert.equal(interval.images, images);
    }
    assert.equal(proportionPercent(20, 20).high, 100);
    assert.ok(proportionPercent(20, 20).low < 90);
  });

  it('has the closed form of the score interval where one exists', () => {
    // No discordant image: 0 +- z^2 / (n + z^2).
    const z2 = 1.959963984540054 ** 2;
    for (const images of [10, 100, 1000]) {
      const { mean, low, high } = pairedDifferencePp(0, 0, images);
      assert.equal(mean, 0);
      near(high, (100 * z2) / (images + z2), 1e-9);
      near(low, (-100 * z2) / (images + z2), 1e-9);
    }
    // gains + losses = n with gains = losses: the variance is n (1 - d^2), so d^2 = z^2 / (n + z^2).
    near(pairedDifferencePp(25, 25, 50).high, 100 * Math.sqrt(z2 / (50 + z2)), 1e-9);
    assert.equal(pairedDifferencePp(8, 0, 8).high, 100);
    assert.equal(pairedDifferencePp(0, 8, 8).low, -100);
  });

  it('turns around when the two models change places', () => {
    const there = pairedDifferencePp(3, 17, 400);
    const back = pairedDifferencePp(17, 3, 400);
    near(there.low, -back.high, 1e-9);
    near(there.high, -back.low, 1e-9);
    assert.ok(there.high < 0, '17 losses against 3 gains are a real loss');
  });

  it('covers the truth about as often as it says, exactly, with few images and few changes', () => {
    const table: [number, number, number][] = [
      [30, 0.01, 0.03],
      [30, 0.1, 0.2],
      [100, 0.002, 0.005],
      [100, 0.01, 0.03],
      [100, 0.05, 0.05],
      [150, 0.005, 0.05],
    ];
    for (const [images, gains, losses] of table) {
      const coverage = exactCoverage(images, gains, losses);
      assert.ok(coverage > 0.93 && coverage <= 1, `n=${images} ${gains}/${losses}: ${coverage}`);
    }
  });

  it('covers the truth on 1,000 simulated images', () => {
    const draw = random(7, 'coverage');
    let covered = 0;
    const trials = 600;
    for (let trial = 0; trial < trials; trial++) {
      let gains = 0;
      let losses = 0;
      for (let i = 0; i < 1000; i++) {
        const u = draw.next();
        if (u < 0.004) gains++;
        else if (u < 0.016) losses++;
      }
      const { low, high } = pairedDifferencePp(gains, losses, 1000);
      if (low <= -0.8 && -0.8 <= high) covered++;
    }
    near(covered / trials, 0.95, 0.025);
  });

  it('counts discordant pairs from score arrays', () => {
    const model = Uint8Array.of(1, 0, 1, 1, 0, 0);
    const teacher = Uint8Array.of(1, 1, 0, 1, 1, 0);
    assert.deepEqual(pairedScoresPp(model, teacher), pairedDifferencePp(1, 2, 6));
    assert.throws(() => pairedScoresPp(model, teacher.subarray(1)), /same images: 6 and 5/);
    assert.throws(() => pairedDifferencePp(3, 3, 5), RangeError);
  });

  it('covers the mean of a skewed score better than it would without the correction', () => {
    // Exponential of a normal: mean exp(1/2), skewness 6.2, as a KL over images looks.
    const draw = random(3, 'skew');
    let covered = 0;
    let above = 0;
    const trials = 2000;
    for (let trial = 0; trial < trials; trial++) {
      const values = Float64Array.from({ length: 200 }, () => Math.exp(draw.normal()));
      const { low, high } = meanInterval(values);
      if (low <= Math.exp(0.5) && Math.exp(0.5) <= high) covered++;
      if (high < Math.exp(0.5)) above++;
    }
    assert.ok(covered / trials > 0.92, `${covered / trials}`);
    assert.ok(above / trials < 0.075, `misses above: ${above / trials}`);
  });

  it('gives the t interval on symmetric values', () => {
    // 1..9: mean 5, standard error 2.7386 / 3, t(8) = 2.306004.
    const { mean, low, high } = meanInterval([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    near(mean, 5, 1e-12);
    near(high - low, (2 * 2.306004 * Math.sqrt(7.5)) / 3, 0.005);
    assert.deepEqual(meanInterval([2, 2, 2]), { mean: 2, low: 2, high: 2, images: 3 });
    assert.throws(() => meanInterval([]), RangeError);
  });
});
