import assert from 'node:assert/strict';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { guarded, receiveRow, withoutPlaces } from '../../bench/gpu-check/row.ts';
import { relativeError } from '../../bench/gpu-check/sample.ts';

describe('the report on a GPU', () => {
  it('goes on after a part that fails, and says what failed', async () => {
    const rows = await guarded('a part', () => {
      throw new Error('no memory\nsecond line');
    });
    assert.deepEqual(rows, [{ label: 'a part', text: 'FAILED: no memory', failed: true }]);
    const row = { label: 'a', text: 'b' };
    assert.deepEqual(await guarded('one', () => row), [row]);
    assert.deepEqual(await guarded('more', () => Promise.resolve([row, row])), [row, row]);
  });

  it('takes rows from its processes and nothing else that they print', () => {
    const row = { label: 'a', text: 'b', value: 1, unit: 'ms' };
    assert.deepEqual(receiveRow(JSON.stringify({ row })), row);
    for (const noise of ['validation:', '', '{"x":1}', '[]']) assert.equal(receiveRow(noise), undefined);
  });

  it('does not say where the user and the code live', () => {
    const root = join(import.meta.dirname, '..', '..');
    const text = withoutPlaces(`${join(root, 'runs')} and ${join(homedir(), '.cache')}`);
    assert.equal(text, './runs and ~/.cache');
  });

  it('calls numbers that are not finite, or not all there, infinitely wrong', () => {
    assert.equal(relativeError([1, 2], [1, 2]), 0);
    assert.equal(relativeError([1, Number.NaN], [1, 2]), Infinity);
    assert.equal(relativeError([1], [1, 2]), Infinity);
    assert.ok(Math.abs(relativeError([3, 4.5], [3, 4]) - 0.1) < 1e-12);
  });
});
