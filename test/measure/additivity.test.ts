import assert from 'node:assert/strict';
import { additivityErrors, predictionErrors, spearman } from '../../pipeline/measure/additivity.ts';
import { present } from '../support/present.ts';

describe('measure/additivity', () => {
  it('has the textbook rank correlation', () => {
    assert.equal(spearman([1, 2, 3, 4], [10, 20, 25, 90]), 1);
    assert.equal(spearman([1, 2, 3, 4], [4, 3, 2, 1]), -1);
    // 1 - 6 * sum d^2 / (n (n^2 - 1)) with d = 0, 1, -1, 1, -1.
    assert.ok(Math.abs(present(spearman([1, 2, 3, 4, 5], [1, 3, 2, 5, 4])) - 0.8) < 1e-12);
    // Ties share a rank: Pearson of [0.5, 0.5, 2] and [0, 1, 2] is sqrt(3) / 2.
    assert.ok(Math.abs(present(spearman([1, 1, 2], [1, 2, 3])) - Math.sqrt(3) / 2) < 1e-12);
    assert.equal(spearman([1, 1, 1], [1, 2, 3]), null);
  });

  it('tells mild compositions from all', () => {
    const { all, mild } = additivityErrors([1, 3, 5, 40], [1.5, 2, 9, 30]);
    assert.deepEqual(all, {
      compositions: 4,
      spearman: 1,
      meanAbsoluteErrorPp: 3.875,
      maxAbsoluteErrorPp: 10,
    });
    assert.deepEqual(mild, {
      compositions: 3,
      spearman: 1,
      meanAbsoluteErrorPp: 5.5 / 3,
      maxAbsoluteErrorPp: 4,
    });
    assert.deepEqual(predictionErrors([], []), {
      compositions: 0,
      spearman: null,
      meanAbsoluteErrorPp: null,
      maxAbsoluteErrorPp: null,
    });
  });
});
