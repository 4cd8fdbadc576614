import type { Buffer, BufferManager } from './types.ts';

/** Kept free whatever is in use: loops over small models allocate nothing then. */
const alwaysKept = 512 << 20;

/**
 * Bounds the memory that the backend keeps for later. It gives a buffer back to nobody but to a tensor of exactly its size, so a job that goes
 * through many shapes ends with all of them: 4.2 GB after a ViT-B. Here as much stays as twice what was in use at the fullest moment, and half a
 * gigabyte; beyond, the buffers that have lain idle longest are freed before another is made.
 *
 * Free buffers belong to no command that is still to be sent: the backend releases after it has submitted.
 */
export function boundPool(manager: BufferManager, kept = alwaysKept): void {
  /** In the order in which they were released. */
  const idle = new Set<Buffer>();
  let peak = 0;
  const keyOf = (size: number, usage: number): string => `${size}_${usage}`;
  const acquire = manager.acquireBuffer.bind(manager);
  const release = manager.releaseBuffer.bind(manager);

  const free = (buffer: Buffer): void => {
    idle.delete(buffer);
    const list = manager.freeBuffers.get(keyOf(buffer.size, buffer.usage)) ?? [];
    const place = list.indexOf(buffer);
    if (place < 0) return;
    list.splice(place, 1);
    manager.numFreeBuffers--;
    manager.numBytesAllocated -= buffer.size;
    buffer.destroy();
  };

  manager.acquireBuffer = (size, usage, ...rest) => {
    const waiting = manager.freeBuffers.get(keyOf(size, usage))?.length ?? 0;
    peak = Math.max(peak, manager.numBytesUsed + size);
    if (waiting === 0) {
      for (const buffer of idle) {
        if (manager.numBytesAllocated + size <= 2 * peak + kept) break;
        free(buffer);
      }
    }
    const buffer = acquire(size, usage, ...rest);
    idle.delete(buffer);
    return buffer;
  };
  manager.releaseBuffer = (buffer, reuse = true) => {
    release(buffer, reuse);
    if (reuse) idle.add(buffer);
  };
}
