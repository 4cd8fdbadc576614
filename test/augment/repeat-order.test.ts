import assert from 'node:assert/strict';
import { repeatOrder } from '../../pipeline/augment/repeat-order.ts';

describe('repeatOrder', () => {
  it('has each of the first images so often in a row, and as many images as before', () => {
    const order = Uint32Array.of(9, 4, 7, 1, 3, 0, 8, 2);
    assert.deepEqual(repeatOrder(order, 3), Uint32Array.of(9, 9, 9, 4, 4, 4, 7, 7));
    assert.deepEqual(repeatOrder(order, 1), order);
    assert.deepEqual(repeatOrder(order, 20), new Uint32Array(8).fill(9));
    assert.deepEqual(repeatOrder(new Uint32Array(), 3), new Uint32Array());
  });
});
