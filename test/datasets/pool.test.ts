import assert from 'node:assert/strict';
import fc from 'fast-check';
import { shares } from '../../datasets/pool.ts';
import { random } from '../../pipeline/util/random.ts';

describe('shares', () => {
  it('are proportional, rounded down or up, never above the size, and add up', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(500), { minLength: 1, maxLength: 40 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.nat(),
        (sizes, part, seed) => {
          const total = sizes.reduce((a, b) => a + b, 0);
          const count = Math.floor(total * part);
          const result = shares(sizes, count, random(seed));
          assert.equal(
            result.reduce((a, b) => a + b, 0),
            count,
          );
          result.forEach((share, index) => {
            assert.ok(share <= sizes[index]!);
            if (total > 0) assert.ok(Math.abs(share - (sizes[index]! * count) / total) < 1);
          });
        },
      ),
    );
  });

  it('are decided by the seed where remainders are equal', () => {
    const one = (seed: number) => shares([1, 1, 1, 1, 1, 1], 3, random(seed)).join('');
    assert.equal(one(1), one(1));
    assert.ok(new Set(Array.from({ length: 20 }, (_, seed) => one(seed))).size > 5);
    assert.throws(() => shares([1, 2], 4, random(0)), /cannot draw 4 of 3/);
  });
});
