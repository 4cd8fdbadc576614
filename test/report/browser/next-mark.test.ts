import assert from 'node:assert/strict';
import { nextMark, type Direction } from '../../../pipeline/report/browser/next-mark.ts';

describe('the way of keys among marks', () => {
  const chart = [
    { mark: 'b', x: 20, y: 5 },
    { mark: 'a', x: 10, y: 30 },
    { mark: 'c', x: 30, y: 30 },
  ];
  const grid = [0, 1].flatMap((row) =>
    [0, 1, 2].map((column) => ({ mark: `${row}${column}`, x: column, y: row })),
  );

  it('begins at the leftmost and reaches every mark of a chart by one key', () => {
    const seen: string[] = [];
    let mark: string | undefined;
    for (let i = 0; i < 4; i += 1) seen.push((mark = nextMark(chart, mark, 'right', false) ?? '?'));
    assert.deepEqual(seen, ['a', 'b', 'c', 'c']);
    assert.equal(nextMark(chart, 'a', 'up', false), 'b');
    assert.equal(nextMark(chart, 'b', 'first', false), 'a');
    assert.equal(nextMark(chart, 'b', 'last', false), 'c');
  });

  it('stays in its row or column of a table', () => {
    const go = (from: string, direction: Direction) => nextMark(grid, from, direction, true);
    assert.equal(go('01', 'down'), '11');
    assert.equal(go('11', 'down'), '11');
    assert.equal(go('02', 'right'), '02');
    assert.equal(go('12', 'left'), '11');
    assert.equal(go('12', 'up'), '02');
  });

  it('goes nowhere where there are none', () => {
    assert.equal(nextMark<string>([], undefined, 'right', false), undefined);
  });
});
