import assert from 'node:assert/strict';
import { prefixGate, refitGate, sortedTeacherGate } from '../../pipeline/compress/gates.ts';
import { reconstruction } from '../../pipeline/compress/order/reconstruction.ts';
import { outputErrors } from '../../pipeline/compress/errors.ts';
import { refit } from '../../pipeline/compress/refit.ts';
import { sliceFfn, type FfnWeights } from '../../pipeline/model/ffn-weights.ts';
import { random } from '../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { errorPerToken, hiddenOf, outputOf, sampleBlock, twoPass } from './sample-block.ts';

const hidden = 48;
const width = 8;
const block = sampleBlock({ hidden, width, count: 6000 });
const held = sampleBlock({ hidden, width, count: 500, seed: 2 }).tokens;
const { weights } = block;
const { units } = reconstruction({ ...block, ridge: 1e-4 });
const descendant = refit(weights, block.statistics, units, [24], { ridge: 1e-4, method: 'affine' })[0]!;

function gateOf(student: FfnWeights, tokens = 6000, predicted = descendant.relativePredictedError) {
  const measured = outputErrors(weights, [student], held, 'tanh', { tokensPerImage: 10 })[0]!;
  return refitGate({ predicted, measured: measured, width: 24, hidden, tokens });
}

describeOnEachEngine('output error', () => {
  it('equals the float64 definition, whatever the size of a pass', () => {
    const y = outputOf(weights, held);
    const mean = new Float64Array(width);
    for (const [i, value] of y.entries()) mean[i % width]! += value / 500;
    const energy = errorPerToken(
      y,
      y.map((_, i) => mean[i % width]!),
      500,
    );
    const error = errorPerToken(outputOf(descendant.weights, held), y, 500);
    for (const rowsPerPass of [4096, 170]) {
      const errors = outputErrors(weights, [weights, descendant.weights], held, 'tanh', { rowsPerPass });
      const own = errors[0]!;
      const other = errors[1]!;
      assert.equal(own.relative, 0);
      assert.ok(Math.abs(other.relative / (error / energy) - 1) < 1e-4);
      assert.ok(Math.abs(other.errorPerToken / error - 1) < 1e-4);
      assert.equal(other.tokens, 500);
    }
    assert.throws(() => outputErrors(weights, [], held.subarray(1), 'tanh'), RangeError);
  });

  it('has a standard error that matches the spread over fresh samples, and grows with images of equal tokens', () => {
    const estimates: number[] = [];
    const claimed: number[] = [];
    for (let seed = 10; seed < 50; seed++) {
      const { tokens } = sampleBlock({ hidden, width, count: 200, seed });
      const error = outputErrors(weights, [descendant.weights], tokens, 'tanh')[0]!;
      estimates.push(error.relative);
      claimed.push(error.standardError);
    }
    const average = (values: number[]) => values.reduce((a, b) => a + b) / values.length;
    const centre = average(estimates);
    const spread = Math.sqrt(average(estimates.map((e) => (e - centre) ** 2)));
    // 40 estimates know their spread to about 11 %.
    assert.ok(
      spread / average(claimed) > 0.7 && spread / average(claimed) < 1.4,
      `${spread} ${average(claimed)}`,
    );
    const repeated = new Float32Array(held.length * 4);
    for (let t = 0; t < 2000; t++)
      repeated.set(held.subarray((t >> 2) * width, ((t >> 2) + 1) * width), t * width);
    const grouped = outputErrors(weights, [descendant.weights], repeated, 'tanh', { tokensPerImage: 4 })[0]!;
    const single = outputErrors(weights, [descendant.weights], held, 'tanh')[0]!;
    assert.ok(Math.abs(grouped.standardError / single.standardError - 1) < 1e-3);
  });
});

describeOnEachEngine('gates', () => {
  it('pass a sorted teacher, a prefix and an honest refit', () => {
    assert.deepEqual(sortedTeacherGate(weights, units, held, 'tanh'), { ok: true });
    for (const k of [1, 24, hidden]) {
      assert.deepEqual(prefixGate(weights, units, k, held, 'tanh'), { ok: true });
    }
    assert.deepEqual(gateOf(descendant.weights), { ok: true });
  });

  it('stop an order that is not a permutation', () => {
    for (const wrong of [units.slice(1), units.with(0, units[1]!), units.with(3, hidden)]) {
      const result = sortedTeacherGate(weights, wrong, held, 'tanh');
      assert.ok(!result.ok && /permutation of 48/.test(result.why));
    }
  });

  it('stop a refit whose fc1 and fc2 disagree about the units, or whose kernel is transposed or stale', () => {
    const kept = units.slice(0, 24);
    const other = sliceFfn(weights, kept.toReversed());
    const misplaced = { ...descendant.weights, fc1Kernel: other.fc1Kernel, fc1Bias: other.fc1Bias };
    const turned = descendant.weights.fc2Kernel.map(
      (_, i, all) => all[(i % width) * 24 + Math.floor(i / width)]!,
    );
    for (const wrong of [
      misplaced,
      { ...descendant.weights, fc2Kernel: turned },
      sliceFfn(weights, kept),
      sliceFfn(weights, units.slice(24)),
      { ...descendant.weights, fc2Bias: weights.fc2Bias.map((b) => b + 1) },
    ]) {
      const result = gateOf(wrong);
      assert.ok(
        !result.ok && /width 24: relative output error predicted .* measured .* expected/.test(result.why),
      );
    }
  });

  it('stop a comparison of the teacher with itself, and numbers that are not finite', () => {
    assert.equal(gateOf(weights).ok, false);
    assert.equal(gateOf(descendant.weights, 6000, NaN).ok, false);
    const broken = { ...descendant.weights, fc2Bias: descendant.weights.fc2Bias.map(() => NaN) };
    assert.equal(gateOf(broken).ok, false);
  });

  it('never stop an honest refit, however few its calibration tokens', () => {
    const numbers = random(3);
    for (const count of [20, 40, 60, 150, 400, 900]) {
      const tokens = Float32Array.from({ length: count * width }, () => numbers.normal());
      const statistics = twoPass(hiddenOf(weights, tokens), hidden);
      const order = reconstruction({ statistics, weights, ridge: 1e-4 });
      const widths = [6, 24, 40];
      for (const fit of refit(weights, statistics, order.units, widths, { ridge: 1e-4, method: 'affine' })) {
        const measured = outputErrors(weights, [fit.weights], held, 'tanh', { tokensPerImage: 10 })[0]!;
        const input = {
          predicted: fit.relativePredictedError,
          measured: measured,
          width: fit.width,
          hidden,
          tokens: count,
        };
        const result = refitGate(input);
        assert.ok(result.ok, result.ok ? '' : result.why);
        if (count === 20) assert.match(result.note ?? '', /20 calibration tokens are too few/);
      }
    }
  });
});
