import assert from 'node:assert/strict';
import { answersAmong, correctOf } from '../../../pipeline/submodels/evaluation/answers-among.ts';

describe('what models say of images', () => {
  const logits = Float32Array.from([1, 3, 2, 0, 0, 9]);

  it('is the class of the largest logit among the columns asked for', () => {
    assert.deepEqual([...answersAmong(logits, 2, [4, 5, 7])], [5, 7]);
    assert.deepEqual([...answersAmong(logits, 2, [4, 7], [0, 2])], [7, 7]);
    assert.deepEqual([...answersAmong(new Float32Array(0), 0, [4, 7])], []);
  });

  it('is right where it is the label', () => {
    assert.deepEqual([...correctOf(Int32Array.of(5, 7, -1), [5, 4, 0])], [1, 0, 0]);
  });
});
