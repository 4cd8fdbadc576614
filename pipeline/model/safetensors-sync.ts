import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { fail } from '../util/failure.ts';
import type { HostTensor } from './host-weights.ts';
import { floatTensors } from './safetensors-floats.ts';
import { checkedSize, headerLength, headerOf } from './safetensors-header.ts';
import { openFlags } from '../util/plain-file.ts';
import { allocate, refuseOpen } from './untrusted-file.ts';

/**
 * All tensors of a file of float32 ones, in one blocking read and one array. For a process whose event loop is kept
 * busy by something else: every wait of `openSafetensors` would stand in that queue.
 * @throws BlockForgeError `file-missing`, `file-invalid`
 */
export function readFloatsSync(path: string): Record<string, HostTensor> {
  let file: number;
  try {
    file = openSync(path, openFlags);
  } catch (error) {
    return refuseOpen(error, path);
  }
  try {
    const size = checkedSize(fstatSync(file), path);
    const prefix = Buffer.alloc(8);
    readSync(file, prefix, 0, 8, 0);
    const head = Buffer.alloc(headerLength(prefix, size, path));
    readSync(file, head, 0, head.length, 8);
    const { tensors, dataStart } = headerOf(head, size, path);
    const buffer = allocate(size - dataStart, path);
    const data = new Uint8Array(buffer);
    for (let done = 0; done < data.length;) {
      const count = readSync(file, data, done, data.length - done, dataStart + done);
      if (count === 0) fail({ reason: 'file-invalid', subject: path, found: 'the file ended early' });
      done += count;
    }
    return floatTensors({ tensors }, buffer, path);
  } finally {
    closeSync(file);
  }
}
