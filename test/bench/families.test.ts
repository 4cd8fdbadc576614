import assert from 'node:assert/strict';
import { compareToFirst } from '../../bench/families/ratio.ts';

describe('bench families', () => {
  it('puts what a model takes beside what the first would take for as much arithmetic', () => {
    const rows = compareToFirst(
      [
        { name: 'base', seconds: 2, macs: 10e9 },
        { name: 'as fast', seconds: 6, macs: 30e9 },
        { name: 'slower', seconds: 3, macs: 10e9 },
      ],
      4,
    );
    assert.deepEqual(
      rows.map(({ ratio }) => ratio),
      [1, 1, 1.5],
    );
    assert.deepEqual(
      rows.map(({ imagesPerSecond }) => imagesPerSecond),
      [2, 4 / 6, 4 / 3],
    );
    assert.equal(rows[0]!.flopPerSecond, 40e9);
  });
});
