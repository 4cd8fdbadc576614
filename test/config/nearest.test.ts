import assert from 'node:assert/strict';
import { editDistance, nearest } from '../../pipeline/config/nearest.ts';

describe('config/nearest', () => {
  it('counts edits, a swap of neighbours as one', () => {
    const cases: [string, string, number][] = [
      ['', '', 0],
      ['', 'abc', 3],
      ['kitten', 'sitting', 3],
      ['epohcs', 'epochs', 1],
      ['width', 'width', 0],
      ['ab', 'ba', 1],
    ];
    for (const [a, b, distance] of cases) {
      assert.equal(editDistance(a, b), distance, `${a} -> ${b}`);
      assert.equal(editDistance(b, a), distance, `${b} -> ${a}`);
    }
  });

  it('finds what was meant and stays silent when nothing is near', () => {
    const stages = ['teacher', 'statistics', 'distill', 'measure'];
    assert.equal(nearest('techer', stages), 'teacher');
    assert.equal(nearest('DISTILL', stages), 'distill');
    assert.equal(nearest('stat', stages), 'statistics');
    assert.equal(nearest('cubic', ['bicubic', 'nearest']), 'bicubic');
    assert.equal(nearest('foo', stages), undefined);
    assert.equal(nearest('st', stages), undefined);
  });
});
