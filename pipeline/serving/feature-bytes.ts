import { endianness } from 'node:os';

const isLittle = endianness() === 'LE';

/** Numbers as they are sent: float32, little-endian, 4 bytes each. */
export function featureBytes(values: Float32Array): Uint8Array {
  const bytes = Buffer.from(values.buffer, values.byteOffset, values.byteLength);
  return isLittle ? bytes : Buffer.from(bytes).swap32();
}

/** @returns the numbers, in an array of their own; undefined where `bytes` are not `width` numbers */
export function featuresOf(bytes: Uint8Array, width: number): Float32Array | undefined {
  if (bytes.length !== 4 * width) return undefined;
  const own = Buffer.from(bytes);
  // A small buffer may lie anywhere in a larger one.
  const aligned = new Uint8Array(own.length);
  aligned.set(isLittle ? own : own.swap32());
  return new Float32Array(aligned.buffer);
}
