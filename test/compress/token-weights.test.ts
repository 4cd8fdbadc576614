import assert from 'node:assert/strict';
import {
  effectiveShare,
  prefixProbability,
  rowWeights,
  sampleTokens,
  tokenWeights,
} from '../../pipeline/compress/token-weights.ts';
import { random } from '../../pipeline/util/random.ts';

const alike = { prefix: 1, patch: 1 };

describe('token weights', () => {
  it('average 1 over an image, half by the gradient and half for all tokens alike', () => {
    for (const share of [0, 0.1, 0.6, 1]) {
      const weights = tokenWeights(share, 64, 1);
      const rows = rowWeights(weights, 128, 64);
      assert.ok(Math.abs(rows.reduce((sum, weight) => sum + weight, 0) / 128 - 1) < 1e-6);
      assert.equal(rows[64], rows[0]);
      assert.ok(Math.abs(prefixProbability(weights, 64) - (0.5 / 64 + 0.5 * share)) < 1e-12);
      assert.ok(Math.abs(weights.patch * 63 - (0.5 * 63 + 0.5 * (1 - share) * 64)) < 1e-9);
    }
  });

  it('give several prefix tokens their share together, and none of them a patch’s', () => {
    for (const share of [0, 0.1, 0.6, 1]) {
      const weights = tokenWeights(share, 16, 5);
      const rows = rowWeights(weights, 32, 16);
      assert.ok(Math.abs(rows.reduce((sum, weight) => sum + weight, 0) / 32 - 1) < 1e-6);
      const isPrefix = Array.from(rows, (_, row) => row % 16 < 5);
      assert.ok(
        rows.every((weight, row) => weight === Math.fround(isPrefix[row]! ? weights.prefix : weights.patch)),
      );
      assert.ok(Math.abs(prefixProbability(weights, 16) - ((0.5 * 5) / 16 + 0.5 * share)) < 1e-12);
    }
  });

  it('are all the same where the share is not known, or one kind of token alone is sampled', () => {
    assert.deepEqual(tokenWeights(null, 64, 1), { prefixTokens: 1, ...alike });
    assert.deepEqual(tokenWeights(0.9, 1, 1), { prefixTokens: 1, ...alike });
    assert.deepEqual(tokenWeights(0, 64, 0), { prefixTokens: 0, ...alike });
    assert.equal(effectiveShare({ prefixTokens: 1, ...alike }, 64), 1);
    assert.equal(effectiveShare({ prefixTokens: 0, ...alike }, 64), 1);
    assert.equal(prefixProbability({ prefixTokens: 0, ...alike }, 64), 0);
  });

  it('say how many tokens a weighted fit is worth', () => {
    // Nearly all weight on one token in four, or on two.
    assert.ok(Math.abs(effectiveShare({ prefixTokens: 1, prefix: 4, patch: 0 }, 4) - 1 / 4) < 1e-12);
    assert.ok(Math.abs(effectiveShare({ prefixTokens: 2, prefix: 2, patch: 0 }, 4) - 1 / 2) < 1e-12);
  });
});

describe('sampled tokens', () => {
  it('are those of the prefix always, and patches drawn alike, in ascending order', () => {
    for (const prefixTokens of [0, 1, 3]) {
      const counts = new Array<number>(12).fill(0);
      const draws = 400;
      for (let image = 0; image < draws; image++) {
        const kept = sampleTokens(12, 6, random(1, 'tokens', image), prefixTokens);
        assert.equal(new Set(kept).size, 6);
        assert.deepEqual(
          [...kept],
          [...kept].sort((a, b) => a - b),
        );
        for (const token of kept) counts[token]!++;
      }
      const expected = (draws * (6 - prefixTokens)) / (12 - prefixTokens);
      for (const [token, count] of counts.entries()) {
        if (token < prefixTokens) assert.equal(count, draws);
        else assert.ok(Math.abs(count - expected) < 5 * Math.sqrt(expected), `token ${token}: ${count}`);
      }
    }
  });

  it('are the whole prefix even where fewer are asked for, and all tokens where none is left out', () => {
    assert.deepEqual([...sampleTokens(12, 2, random(1), 3)], [0, 1, 2]);
    assert.deepEqual([...sampleTokens(3, null, random(1), 1)], [0, 1, 2]);
    assert.deepEqual([...sampleTokens(3, 5, random(1), 0)], [0, 1, 2]);
  });
});
