import assert from 'node:assert/strict';
import { oracleShrinkage } from '../../pipeline/compress/ridge.ts';

describe('oracleShrinkage', () => {
  it('equals the formula on two units by hand, and is at least 1e-3', () => {
    const covariance = Float64Array.of(2, 0.5, 9, 0.5, 1, 9, 9, 9, 9);
    const block = { count: 10, mean: new Float64Array(3), covariance };
    // tr S = 3, tr S^2 = 4 + 1 + 0.25 + 0.25 = 5.5; rho = (0 + 9) / ((11 - 1) (5.5 - 4.5)) = 0.9
    assert.ok(Math.abs(oracleShrinkage(block, [0, 1]) - (0.9 * 3) / 2) < 1e-12);
    assert.equal(oracleShrinkage({ ...block, count: 1e9 }, [0, 1]), 1e-3);
    // Equal variances: rho is 1.
    const equal = { count: 10, mean: new Float64Array(2), covariance: Float64Array.of(3, 0, 0, 3) };
    assert.equal(oracleShrinkage(equal, [0, 1]), 3);
  });
});
