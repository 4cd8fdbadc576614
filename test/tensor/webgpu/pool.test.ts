import assert from 'node:assert/strict';
import { boundPool } from '../../../pipeline/tensor/webgpu/pool.ts';
import type { Buffer, BufferManager } from '../../../pipeline/tensor/webgpu/types.ts';

/** The pool of tfjs-backend-webgpu 4.22 with buffers that are nothing but a size. */
function standInPool(): BufferManager & { readonly destroyed: number[] } {
  const destroyed: number[] = [];
  const manager = {
    freeBuffers: new Map<string, Buffer[]>(),
    numFreeBuffers: 0,
    numBytesUsed: 0,
    numBytesAllocated: 0,
    destroyed,
    acquireBuffer(size: number, usage: number): Buffer {
      manager.numBytesUsed += size;
      const free = manager.freeBuffers.get(`${size}_${usage}`)?.pop();
      if (free !== undefined) {
        manager.numFreeBuffers--;
        return free;
      }
      manager.numBytesAllocated += size;
      return { size, usage, destroy: () => void destroyed.push(size) } as unknown as Buffer;
    },
    releaseBuffer(buffer: Buffer): void {
      const key = `${buffer.size}_${buffer.usage}`;
      manager.numBytesUsed -= buffer.size;
      manager.numFreeBuffers++;
      manager.freeBuffers.set(key, [...(manager.freeBuffers.get(key) ?? []), buffer]);
    },
  };
  return manager;
}

describe('memory that webgpu keeps for later', () => {
  it('is bounded by what was in use at once, however many sizes come by', () => {
    const pool = standInPool();
    boundPool(pool, 100);
    for (let size = 1; size <= 200; size++) pool.releaseBuffer(pool.acquireBuffer(size, 8));
    assert.ok(pool.numBytesAllocated <= 2 * 200 + 100, `${pool.numBytesAllocated} bytes`);
    assert.equal(pool.numBytesUsed, 0);
    const listed = [...pool.freeBuffers.values()].flat();
    assert.equal(
      listed.reduce((sum, { size }) => sum + size, 0),
      pool.numBytesAllocated,
    );
    assert.equal(pool.numFreeBuffers, listed.length);
  });

  it('loses what has lain idle longest, and nothing that is in use', () => {
    const pool = standInPool();
    boundPool(pool, 0);
    const held = pool.acquireBuffer(30, 8);
    const [a, b, c] = [10, 11, 12].map((size) => pool.acquireBuffer(size, 8));
    for (const buffer of [b, a, c]) if (buffer) pool.releaseBuffer(buffer);
    assert.deepEqual(pool.destroyed, []);
    // 63 bytes were in use at once: 126 may be allocated.
    pool.releaseBuffer(pool.acquireBuffer(33, 8));
    pool.releaseBuffer(pool.acquireBuffer(32, 8));
    assert.deepEqual(pool.destroyed, [11]);
    pool.releaseBuffer(held);
  });

  it('stays whole while a loop asks for the same sizes again', () => {
    const pool = standInPool();
    boundPool(pool, 0);
    for (let round = 0; round < 5; round++) {
      const buffers = [40, 50, 60].map((size) => pool.acquireBuffer(size, 8));
      buffers.forEach((buffer) => pool.releaseBuffer(buffer));
    }
    assert.equal(pool.numBytesAllocated, 150);
    assert.deepEqual(pool.destroyed, []);
  });
});
