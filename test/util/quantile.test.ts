import assert from 'node:assert/strict';
import { median, quantile } from '../../pipeline/util/quantile.ts';

describe('util/quantile', () => {
  it('interpolates between order statistics', () => {
    assert.equal(quantile([4, 1, 3, 2], 0.5), 2.5);
    assert.equal(median([4, 1, 3, 2]), 2.5);
    assert.equal(quantile([5], 0.9), 5);
    assert.ok(Math.abs(quantile([0, 10, 20, 30, 40], 0.9) - 36) < 1e-12);
  });
});
