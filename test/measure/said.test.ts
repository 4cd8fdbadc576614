import assert from 'node:assert/strict';
import { mergeSaid, saidOf } from '../../pipeline/measure/said.ts';

describe('what a model said', () => {
  const said = saidOf([Math.log(3), 0, 5, 5, 1000, -1000], [1, 0, 1], 2);

  it('is its class, the first of equal ones, with its probability and the label’s', () => {
    assert.deepEqual([...said.chosen], [0, 0, 0]);
    assert.deepEqual([...said.probability], [0.75, 0.5, 1]);
    assert.deepEqual([...said.labelProbability], [0.25, 0.5, 0]);
  });

  it('is joined over batches in their order', () => {
    const parts = [saidOf([Math.log(3), 0], [1], 2), saidOf([5, 5, 1000, -1000], [0, 1], 2)];
    assert.deepEqual(mergeSaid(parts), said);
    assert.equal(mergeSaid([]).chosen.length, 0);
  });
});
