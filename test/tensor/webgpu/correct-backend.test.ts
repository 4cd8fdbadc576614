import assert from 'node:assert/strict';
import { correctBackend } from '../../../pipeline/tensor/webgpu/correct-backend.ts';
import type { Backend, Device } from '../../../pipeline/tensor/webgpu/types.ts';

/** A device whose buffers are mapped at once and hold 1, 2. */
function standIn(): { readonly backend: Backend; readonly lose: (message: string) => void } {
  const memory = Float32Array.of(1, 2);
  let lose = (_: { reason: string; message: string }): void => undefined;
  const device = {
    lost: new Promise((settle) => (lose = settle)),
    onuncapturederror: null,
  } as unknown as Device;
  const buffer = {
    ...{ size: 8, usage: 9, mapState: 'mapped' },
    mapAsync: () => Promise.resolve(),
    getMappedRange: () => memory.buffer,
    unmap: () => undefined,
  };
  const backend = {
    device,
    tensorMap: { get: () => ({ shape: [2], dtype: 'float32', values: null, resource: buffer }) },
    bufferManager: { acquireBuffer: () => buffer, releaseBuffer: () => undefined },
    commandEncoder: { copyBufferToBuffer: () => undefined },
    ensureCommandEncoderReady: () => undefined,
    endComputePassEncoder: () => undefined,
    submitQueue: () => undefined,
    convertAndCacheOnCPU: (_: object, values: Float32Array) => values,
    read: () => Promise.resolve(memory),
  };
  return {
    backend: backend as unknown as Backend,
    lose: (message) => lose({ reason: 'unknown', message }),
  };
}

describe('reads of the webgpu engine', () => {
  it('give what the device holds while nothing went wrong', async () => {
    const { backend } = standIn();
    correctBackend(backend);
    assert.deepEqual([...backend.readSync({})], [1, 2]);
    assert.deepEqual([...(await backend.read({}))], [1, 2]);
  });

  it('fail after an error of the device that nobody waited for, each of them, with the first error', async () => {
    const { backend } = standIn();
    correctBackend(backend);
    backend.device.onuncapturederror?.({ error: { message: 'no memory\nwhile making a buffer' } });
    backend.device.onuncapturederror?.({ error: { message: 'a later one' } });
    const failure = { message: 'the GPU failed: no memory' };
    assert.throws(() => backend.readSync({}), failure);
    assert.throws(() => backend.readSync({}), failure);
    await assert.rejects(backend.read({}), failure);
  });

  it('fail after the device is lost', async () => {
    const { backend, lose } = standIn();
    correctBackend(backend);
    lose('it hung');
    await Promise.resolve();
    assert.throws(() => backend.readSync({}), /the GPU failed: the device is lost: it hung/);
  });
});
