import { fail } from '../util/failure.ts';
import { showValue } from '../util/foreign-value.ts';
import type { HostTensor } from './host-weights.ts';
import { checkedSize, headerLength, headerOf, type SafetensorsHeader } from './safetensors-header.ts';

/**
 * All tensors of a file of float32 ones as views of its data part.
 * @param data the bytes behind the header, from a multiple of four bytes on
 * @throws BlockForgeError `file-invalid` for another dtype
 */
export function floatTensors(
  { tensors }: Pick<SafetensorsHeader, 'tensors'>,
  data: ArrayBuffer,
  path: string,
): Record<string, HostTensor> {
  return Object.fromEntries(
    [...tensors].map(([name, { dtype, shape, begin, end }]) => {
      if (dtype !== 'F32') {
        fail({
          reason: 'file-invalid',
          subject: `${path}, tensor ${showValue(name)}`,
          found: `dtype ${dtype}`,
          expected: 'F32',
        });
      }
      return [name, { shape, data: new Float32Array(data, begin, (end - begin) / 4) }];
    }),
  );
}

/**
 * The same of a whole file in memory; copies its data part.
 * @param path for messages
 * @throws BlockForgeError `file-invalid`
 */
export function readFloats(bytes: ArrayBuffer, path: string): Record<string, HostTensor> {
  const size = checkedSize({ isFile: () => true, size: bytes.byteLength }, path);
  const length = headerLength(new Uint8Array(bytes, 0, 8), size, path);
  const header = headerOf(new Uint8Array(bytes, 8, length), size, path);
  return floatTensors(header, bytes.slice(header.dataStart), path);
}
