import assert from 'node:assert/strict';
import { drawCompositions } from '../../pipeline/measure/compositions.ts';

describe('measure/compositions', () => {
  it('spreads from mild to severe, in either half of the list', () => {
    const drawn = drawCompositions(32, 12, 5, 7);
    assert.equal(drawn.length, 32);
    assert.deepEqual(drawCompositions(32, 12, 5, 7), drawn);
    assert.notDeepEqual(drawCompositions(32, 12, 5, 8), drawn);
    for (const half of [0, 1]) {
      const means = drawn
        .filter((_, index) => index % 2 === half)
        .map((levels) => levels.reduce((sum, level) => sum + level, 0) / 12);
      assert.ok(Math.min(...means) < 1 && Math.max(...means) > 3, means.join(' '));
    }
    assert.ok(
      drawn.every((levels) => levels.length === 12 && levels.every((level) => level >= 0 && level < 5)),
    );
    for (let level = 0; level < 5; level++) assert.ok(drawn.some((levels) => levels.includes(level)));
  });

  it('has no composition twice and no uniform model', () => {
    // Two blocks of two levels: only [0, 1] and [1, 0] are left.
    const drawn = drawCompositions(16, 2, 2, 1);
    assert.deepEqual(drawn.map(String).sort(), ['0,1', '1,0']);
    assert.deepEqual(drawCompositions(16, 1, 5, 1), []);
    assert.deepEqual(drawCompositions(0, 12, 5, 1), []);
  });
});
