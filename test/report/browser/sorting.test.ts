import assert from 'node:assert/strict';
import { hasWords, sortedOrder, sortKey } from '../../../pipeline/report/browser/sorting.ts';

describe('sorting and filtering of tables', () => {
  const order = (texts: readonly string[], direction: 'ascending' | 'descending') =>
    sortedOrder(texts.map(sortKey), direction).map((i) => texts[i]);

  it('takes numbers as numbers and puts them before words', () => {
    assert.deepEqual(order(['10', 'x', '9', '-1.5', '1e3'], 'ascending'), ['-1.5', '9', '10', '1e3', 'x']);
  });

  it('counts within words', () => {
    assert.deepEqual(order(['block-10', 'block-9', 'Block-1'], 'ascending'), [
      'Block-1',
      'block-9',
      'block-10',
    ]);
  });

  it('puts what is missing last in both directions', () => {
    assert.deepEqual(order(['', '2', ' ', '1'], 'ascending'), ['1', '2', '', ' ']);
    assert.deepEqual(order(['', '2', ' ', '1'], 'descending'), ['2', '1', '', ' ']);
  });

  it('leaves equal rows in their order', () => {
    assert.deepEqual(sortedOrder([1, 1, 0, 1].map(Number), 'descending'), [0, 1, 3, 2]);
  });

  it('keeps rows that have every word looked for, in any case', () => {
    assert.ok(hasWords('Block 3 passed', 'PASS block'));
    assert.ok(hasWords('Block 3 passed', ' '));
    assert.ok(!hasWords('Block 3 passed', 'block 4'));
  });
});
