import assert from 'node:assert/strict';
import {
  classProbability,
  effectiveShare,
  rowWeights,
  tokenWeights,
} from '../../pipeline/compress/token-weights.ts';

describe('token weights', () => {
  it('average 1 over an image, half by the gradient and half for all tokens alike', () => {
    for (const share of [0, 0.1, 0.6, 1]) {
      const weights = tokenWeights(share, 64);
      const rows = rowWeights(weights, 128, 64);
      assert.ok(Math.abs(rows.reduce((sum, weight) => sum + weight, 0) / 128 - 1) < 1e-6);
      assert.equal(rows[64], rows[0]);
      assert.ok(Math.abs(classProbability(weights, 64) - (0.5 / 64 + 0.5 * share)) < 1e-12);
      assert.ok(Math.abs(weights.patch * 63 - (0.5 * 63 + 0.5 * (1 - share) * 64)) < 1e-9);
    }
  });

  it('are all the same where the share is not known, or only class tokens are sampled', () => {
    assert.deepEqual(tokenWeights(null, 64), { classToken: 1, patch: 1 });
    assert.deepEqual(tokenWeights(0.9, 1), { classToken: 1, patch: 1 });
    assert.equal(effectiveShare({ classToken: 1, patch: 1 }, 64), 1);
  });

  it('say how many tokens a weighted fit is worth', () => {
    // Nearly all weight on one token in four.
    assert.ok(Math.abs(effectiveShare({ classToken: 4, patch: 0 }, 4) - 1 / 4) < 1e-12);
  });
});
