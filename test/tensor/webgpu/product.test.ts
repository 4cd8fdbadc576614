import assert from 'node:assert/strict';
import { planProduct } from '../../../pipeline/tensor/webgpu/product.ts';
import { rowsOf } from '../../../pipeline/tensor/webgpu/sum.ts';

describe('matrix products on webgpu', () => {
  it('take large tiles where that leaves enough workgroups, small ones elsewhere', () => {
    assert.equal(planProduct([8192, 768], [768, 1536], false, false)?.tile, 128);
    assert.equal(planProduct([1024, 768], [768, 512], false, false)?.tile, 64);
    assert.equal(planProduct([64, 12, 197, 64], [64, 12, 64, 197], false, false)?.tile, 128);
    assert.equal(planProduct([64, 12, 197, 197], [64, 12, 197, 64], false, false)?.tile, 64);
  });

  it('read the extents through the transpositions', () => {
    const plan = planProduct([8192, 768], [1536, 8192], true, true);
    assert.deepEqual([plan?.rows, plan?.inner, plan?.columns], [768, 8192, 1536]);
    assert.deepEqual(plan?.shape, [768, 1536]);
  });

  it('share long sums out among workgroups, in as many shares as keep a GPU busy', () => {
    assert.equal(planProduct([1, 8192], [8192, 192], false, false)?.shares, 16);
    assert.equal(planProduct([8192, 768], [8192, 1536], true, false)?.shares, 1);
    assert.equal(planProduct([2048, 192], [2048, 384], true, false)?.shares, 4);
    assert.equal(planProduct([8, 100, 8192], [8, 8192, 100], false, false)?.shares, 1);
  });

  it('repeat one matrix for a whole batch', () => {
    const plan = planProduct([4, 30, 40], [1, 40, 65], false, false);
    assert.deepEqual([plan?.stepA, plan?.stepB, plan?.batch], [1200, 0, 4]);
    assert.deepEqual(plan?.shape, [4, 30, 65]);
  });

  it('leave small matrices and uneven batches to the backend', () => {
    assert.equal(planProduct([8, 64], [64, 64], false, false), undefined);
    assert.equal(planProduct([2, 1, 30, 40], [1, 3, 40, 30], false, false), undefined);
  });
});

describe('sums on webgpu', () => {
  it('go in two rounds where there are many numbers that divide evenly', () => {
    assert.equal(rowsOf(8192 * 768), 1024);
    assert.equal(rowsOf(192 * 1000), 512);
    assert.equal(rowsOf(70_001), undefined);
    assert.equal(rowsOf(1024), undefined);
  });
});
