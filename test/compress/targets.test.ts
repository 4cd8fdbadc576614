import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { createHeldOutError } from '../../pipeline/compress/held-out-error.ts';
import { refit } from '../../pipeline/compress/refit.ts';
import { createStatistics } from '../../pipeline/compress/statistics.ts';
import { splitJoint, teacherTargets } from '../../pipeline/compress/targets.ts';
import { rowWeights } from '../../pipeline/compress/token-weights.ts';
import { random } from '../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { hiddenOf, outputOf, sampleBlock, twoPass } from './sample-block.ts';

const block = sampleBlock({ count: 300 });
const { width, hidden } = block.weights;
const perImage = 10;
const weights = { prefixTokens: 1, prefix: 4, patch: (perImage - 4) / (perImage - 1) };
const units = Int32Array.from({ length: hidden }, (_, j) => (j * 7) % hidden);

/** [h, t] side by side. */
function joint(h: ArrayLike<number>, t: ArrayLike<number>): Float64Array {
  const all = hidden + width;
  return Float64Array.from({ length: 300 * all }, (_, i) => {
    const [row, column] = [Math.floor(i / all), i % all] as const;
    return column < hidden ? h[row * hidden + column]! : t[row * width + column - hidden]!;
  });
}

/** Targets that the block does not reach: its own output, and something else that depends on the input. */
function otherTargets(): Float64Array {
  const noise = random(3, 'targets');
  const other = sampleBlock({ count: 300, seed: 9 }).weights;
  const added = outputOf(other, block.tokens);
  return outputOf(block.weights, block.tokens).map((y, i) => y + 0.5 * added[i]! + 0.1 * noise.normal());
}

describe('targets', () => {
  it('of the teacher are what its outputs measure', () => {
    const output = outputOf(block.weights, block.tokens);
    const { targets } = splitJoint(twoPass(joint(block.activations, output), hidden + width), hidden);
    const own = teacherTargets(block.weights, block.statistics);
    assert.ok(Math.abs(own.energy - targets.energy) < 1e-9);
    own.mean.forEach((value, d) => assert.ok(Math.abs(value - targets.mean[d]!) < 1e-10));
    own.shared.forEach((value, i) => assert.ok(Math.abs(value - targets.shared[i]!) < 1e-10));
  });
});

describeOnEachEngine('a refit to other targets', () => {
  it('is the weighted least-squares fit: its error is as predicted and no nearby fit is better', () => {
    const target = otherTargets();
    const rows = rowWeights(weights, 300, perImage);
    const accumulator = createStatistics(hidden + width);
    const values = Float32Array.from(joint(block.activations, target));
    tf.tidy(() => accumulator.add(tf.tensor2d(values, [300, hidden + width]), rows));
    const { statistics, targets } = splitJoint(accumulator.finish(), hidden);
    accumulator.dispose();
    const fit = refit(block.weights, statistics, units, [9], { ridge: 1e-9, method: 'affine' }, targets)[0]!;

    const errorOf = (kernel: ArrayLike<number>, bias: ArrayLike<number>): number => {
      const h = hiddenOf(fit.weights, block.tokens);
      let sum = 0;
      for (let t = 0; t < 300; t++) {
        for (let d = 0; d < width; d++) {
          let y = bias[d]!;
          for (let j = 0; j < 9; j++) y += h[t * 9 + j]! * kernel[j * width + d]!;
          sum += (rows[t]! * (y - target[t * width + d]!) ** 2) / 300;
        }
      }
      return sum;
    };
    const best = errorOf(fit.weights.fc2Kernel, fit.weights.fc2Bias);
    assert.ok(Math.abs(best - fit.predictedError) < 1e-5 * best, `${best} against ${fit.predictedError}`);
    const stream = random(4, 'nearby');
    for (let trial = 0; trial < 20; trial++) {
      const kernel = fit.weights.fc2Kernel.map((value) => value + 0.02 * stream.normal());
      const bias = fit.weights.fc2Bias.map((value) => value + 0.02 * stream.normal());
      assert.ok(errorOf(kernel, bias) > best);
    }

    // The same tokens as both kinds of inputs: the shares must not matter. In two parts, as whole images come.
    const problem = { gelu: 'tanh', sampled: perImage, weights, ownShare: 0.7 } as const;
    const error = createHeldOutError(fit.weights, problem);
    for (const [from, to] of [
      [0, 100],
      [100, 300],
    ] as const) {
      tf.tidy(() => {
        const rows = (values: Float32Array): tf.Tensor2D =>
          tf.tensor2d(values.subarray(from * width, to * width), [to - from, width]);
        const tokens = { input: rows(block.tokens), target: rows(Float32Array.from(target)) };
        error.add(tokens, tokens);
      });
    }
    const measured = error.finish();
    error.dispose();
    assert.equal(measured.tokens, 300);
    assert.ok(Math.abs(measured.relative - fit.relativePredictedError) < 1e-4 * measured.relative);
    assert.ok(measured.standardError > 0 && measured.standardError < measured.relative);
  });

  it('counts a token of weight 3 like three tokens', () => {
    const add = (values: number[][], rows?: Float32Array) => {
      const accumulator = createStatistics(2);
      tf.tidy(() => accumulator.add(tf.tensor2d(values), rows));
      const result = accumulator.finish();
      accumulator.dispose();
      return result;
    };
    const [a, b, c] = [
      [1, 2],
      [0, -1],
      [4, 0.5],
    ];
    const weighted = add([a, b, c], Float32Array.of(1, 3, 2));
    const repeated = add([a, b, b, b, c, c]);
    assert.equal(weighted.count, 6);
    for (const part of ['mean', 'covariance'] as const) {
      weighted[part].forEach((value, i) => assert.ok(Math.abs(value - repeated[part][i]!) < 1e-6));
    }
  });
});
