import assert from 'node:assert/strict';
import { inFolderOrder } from '../../../datasets/classes/folder-order.ts';

describe('the order of class folders', () => {
  it('is by code units, whatever the machine’s language', () => {
    assert.deepEqual(inFolderOrder(['b', '10', 'ä', 'B', '2', 'a'], 'code-unit'), [
      '10',
      '2',
      'B',
      'a',
      'b',
      'ä',
    ]);
  });

  // Values of timm 1.0's natural_key.
  it('is natural as timm’s: numbers by value, letters without case', () => {
    const names = [
      '10',
      '2',
      'B1',
      'a10',
      'A2',
      'b',
      '1',
      'a',
      'x-007y',
      'x-7z',
      '100000000000000000001',
      '100000000000000000002',
    ];
    assert.deepEqual(inFolderOrder(names, 'natural'), [
      '1',
      '2',
      '10',
      '100000000000000000001',
      '100000000000000000002',
      'a',
      'A2',
      'a10',
      'b',
      'B1',
      'x-007y',
      'x-7z',
    ]);
  });

  it('does not depend on the order they come in', () => {
    for (const order of ['code-unit', 'natural'] as const) {
      assert.deepEqual(
        inFolderOrder(['a1', 'A01', 'a01', 'A1'], order),
        inFolderOrder(['A1', 'a01', 'A01', 'a1'], order),
      );
    }
  });
});
