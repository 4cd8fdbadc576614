import { util, type KernelBackend } from '@tensorflow/tfjs-core';
import type { Backend, Buffer, Values } from './types.ts';
import { waitUntil } from './waiting.ts';

/** `GPUBufferUsage.MAP_READ | COPY_DST` and `GPUMapMode.READ`, which the standard fixes. */
const toBeRead = 0x0001 | 0x0008;
const forReading = 0x0001;

/**
 * Two things that the backend lacks in Node.js. `dataSync` wants a canvas there; here it waits for Dawn. And what goes wrong on the
 * device (an invalid shader, no memory, the device lost) is only an event of its own, while the values that are read are
 * whatever the memory held: here every read after it throws.
 */
export function correctBackend(backend: Backend): KernelBackend {
  let fault: string | undefined;
  const { device } = backend;
  device.onuncapturederror = ({ error }) => void (fault ??= error.message);
  void device.lost.then(({ reason, message }) => {
    if (reason !== 'destroyed') fault ??= `the device is lost: ${message}`;
  });
  const checked = <T>(values: T): T => {
    if (fault !== undefined) throw new Error(`the GPU failed: ${fault.split('\n')[0]}`);
    return values;
  };
  const readLater = backend.read.bind(backend);
  backend.read = async (dataId) => checked(await readLater(dataId));
  backend.readSync = (dataId) => {
    const { values, dtype, resource } = backend.tensorMap.get(dataId);
    // Values that never left the host are no answer of the device's.
    if (values !== undefined && values !== null) return values;
    if (dtype !== 'float32' && dtype !== 'int32' && dtype !== 'bool')
      throw new Error(`the webgpu engine does not read ${dtype}`);
    if (!resource) throw new Error('a tensor that is neither here nor on the GPU');
    const copy = readBuffer(backend, resource);
    checked(copy);
    if (copy === undefined) throw new Error('the GPU did not answer');
    const read = util.convertBackendValuesAndArrayBuffer(copy, dtype) as Values;
    return backend.convertAndCacheOnCPU(dataId, read);
  };
  return backend as unknown as KernelBackend;
}

function readBuffer(backend: Backend, source: Buffer): ArrayBuffer | undefined {
  const staging = backend.bufferManager.acquireBuffer(source.size, toBeRead);
  backend.ensureCommandEncoderReady();
  backend.endComputePassEncoder();
  backend.commandEncoder.copyBufferToBuffer(source, 0, staging, 0, source.size);
  backend.submitQueue();
  let refused = false;
  staging.mapAsync(forReading).catch(() => (refused = true));
  // A refusal is told in a promise, which cannot be heard in here: then Dawn runs out of tasks.
  waitUntil(() => refused || staging.mapState === 'mapped');
  if (staging.mapState !== 'mapped') return undefined;
  const copy = staging.getMappedRange().slice(0);
  staging.unmap();
  backend.bufferManager.releaseBuffer(staging);
  return copy;
}
