import type { Backend, Buffer } from './types.ts';

/** `GPUBufferUsage.MAP_WRITE | COPY_SRC` and `GPUMapMode.WRITE`, which the standard fixes. */
const toBeWritten = 0x0002 | 0x0004;
const forWriting = 0x0002;

/** Of memory that both sides see. */
const mostKept = 256 << 20;

/**
 * Uploads of much at once, as batches of images. The backend, and Dawn's queue too, take new memory for each, which the system first has to clear
 * page by page: 50 ms of processor time for 64 images of 224 x 224 x 3 on SwiftShader, 21 this way (`bench/webgpu-upload.ts`). Here buffers that the device has read are
 * mapped again and used for the next upload.
 *
 * @returns copies numbers to a buffer of their size, after all commands that were given before
 */
export function stageUploads(
  backend: Backend,
  most = mostKept,
): (target: Buffer, words: Float32Array | Int32Array) => void {
  /** The one that was used last at the end. */
  const kept: Buffer[] = [];
  const take = (size: number): Buffer => {
    const fits = kept.findIndex(
      (buffer) => buffer.mapState === 'mapped' && buffer.size >= size && buffer.size <= 2 * size,
    );
    if (fits >= 0) return kept.splice(fits, 1)[0]!;
    while (kept.length > 0 && kept.reduce((sum, buffer) => sum + buffer.size, size) > most) {
      kept.shift()?.destroy();
    }
    return backend.device.createBuffer({ size, usage: toBeWritten, mappedAtCreation: true });
  };
  return (target, words) => {
    const size = words.byteLength;
    const staging = take(size);
    const room = staging.getMappedRange(0, size);
    if (words instanceof Float32Array) new Float32Array(room).set(words);
    else new Int32Array(room).set(words);
    staging.unmap();
    backend.ensureCommandEncoderReady();
    backend.endComputePassEncoder();
    backend.commandEncoder.copyBufferToBuffer(staging, 0, target, 0, size);
    backend.submitQueue();
    // Refused where it is destroyed before; nobody waits for it then.
    staging.mapAsync(forWriting).catch(() => undefined);
    kept.push(staging);
  };
}
