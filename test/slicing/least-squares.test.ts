import assert from 'node:assert/strict';
import { createStatistics } from '../../pipeline/compress/statistics.ts';
import { splitJoint } from '../../pipeline/compress/targets.ts';
import { leastSquares } from '../../pipeline/slicing/least-squares.ts';
import { random } from '../../pipeline/util/random.ts';
import * as tf from '@tensorflow/tfjs-core';
import { describeOnEachEngine } from '../support/engines.ts';
import { difference, mixedRows, product } from './bases.ts';

/** Of two inputs and one output, by hand. */
const inputs = { count: 9, mean: Float64Array.of(1, -2), covariance: Float64Array.of(4, 1, 1, 2) };
const targets = { mean: Float64Array.of(5), shared: Float64Array.of(6, -1), energy: 20 };

describe('slicing/least-squares', () => {
  it('is the closed form of two inputs and one output within 1e-12', () => {
    const { kernel, bias } = leastSquares(inputs, targets, 0);
    // Cramer: det 7, (6 * 2 + 1) / 7 and (-4 - 6) / 7; 5 - 13/7 - 20/7.
    assert.ok(difference(kernel, [13 / 7, -10 / 7]) < 1e-12);
    assert.ok(difference(bias, [5 - 13 / 7 - 20 / 7]) < 1e-12);
  });

  it('takes the ridge as a share of the mean variance: 1/3 of 3 adds 1 to both', () => {
    const { kernel, bias } = leastSquares(inputs, targets, 1 / 3);
    // (5 1; 1 3) has the determinant 14: (18 + 1) / 14 and (-5 - 6) / 14.
    assert.ok(difference(kernel, [19 / 14, -11 / 14]) < 1e-12);
    assert.ok(difference(bias, [5 - 19 / 14 - 22 / 14]) < 1e-12);
  });

  it('changes neither the statistics nor the targets', () => {
    const before = JSON.stringify([inputs, targets]);
    leastSquares(inputs, targets, 0.1);
    assert.equal(JSON.stringify([inputs, targets]), before);
  });
});

describeOnEachEngine('slicing/least-squares', () => {
  it('finds an affine layer again from what it makes of random rows, within 1e-4', () => {
    const [rows, size, outputs] = [64, 4, 3];
    const x = mixedRows(rows, size, 5);
    const draw = random(2, 'layer');
    const kernel = Float64Array.from({ length: size * outputs }, () => draw.normal());
    const bias = [3, -1, 0.5];
    const y = product(x, kernel, size).map((value, at) => value + bias[at % outputs]!);
    const statistics = createStatistics(size + outputs);
    tf.tidy(() => {
      const columns = [tf.tensor2d(Array.from(x), [rows, size]), tf.tensor2d(Array.from(y), [rows, outputs])];
      statistics.add(tf.concat(columns, 1));
    });
    const split = splitJoint(statistics.finish(), size);
    statistics.dispose();
    const found = leastSquares(split.statistics, split.targets, 0);
    assert.ok(difference(found.kernel, kernel) < 1e-4);
    assert.ok(difference(found.bias, bias) < 1e-4);
  });
});
