import assert from 'node:assert/strict';
import { mergePlaces } from '../../../bench/front/merge-places.ts';

describe('bench/front/merge-places', () => {
  it('sends the even tokens that are most alike to their partners, behind the even ones that stay', () => {
    // Even tokens 0, 2, 4, 6; odd ones 1, 3, 5. Token 4 joins 1, token 6 joins 5; 0 is the class token.
    const places = mergePlaces([9, 0.1, 0.8, 0.5], [0, 1, 0, 2], {
      batch: 1,
      tokens: 7,
      merged: 2,
      prefix: 1,
    });
    assert.deepEqual([...places], [0, 2, 1, 3, 2, 4, 4]);
  });

  it('keeps the images of a batch apart', () => {
    const sizes = { batch: 2, tokens: 4, merged: 1, prefix: 0 };
    assert.deepEqual([...mergePlaces([0.9, 0.1, 0.1, 0.9], [1, 0, 1, 0], sizes)], [2, 1, 0, 2, 3, 4, 4, 5]);
  });

  it('leaves class and distillation token side by side at the start', () => {
    // Even tokens 0, 2, 4; odd ones 1 (distillation), 3, 5. Token 4 joins 3.
    const places = mergePlaces([1, 0.1, 0.2], [1, 2, 1], { batch: 1, tokens: 6, merged: 1, prefix: 2 });
    assert.deepEqual([...places], [0, 1, 2, 3, 3, 4]);
  });

  it('takes the first of equal ones, and refuses more than there are', () => {
    const sizes = { batch: 1, tokens: 5, merged: 1, prefix: 1 };
    assert.deepEqual([...mergePlaces([0, 0.5, 0.5], [0, 0, 1], sizes)], [0, 2, 2, 3, 1]);
    assert.throws(() => mergePlaces([0, 0.5, 0.5], [0, 0, 1], { ...sizes, merged: 3 }), /3 of 5 tokens/);
  });
});
