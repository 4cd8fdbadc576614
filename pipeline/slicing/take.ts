import type { HostTensor } from '../model/host-weights.ts';

/** Entries of the first axis, in the order of `indices`. A copy. */
export function takeFirst({ shape, data }: HostTensor, indices: readonly number[]): HostTensor {
  const size = data.length / shape[0]!;
  const result = new Float32Array(indices.length * size);
  for (const [to, from] of indices.entries()) {
    result.set(data.subarray(from * size, (from + 1) * size), to * size);
  }
  return { shape: [indices.length, ...shape.slice(1)], data: result };
}

/** Entries of the last axis, in the order of `indices`. A copy. */
export function takeLast({ shape, data }: HostTensor, indices: readonly number[]): HostTensor {
  const size = shape[shape.length - 1]!;
  const count = indices.length;
  const result = new Float32Array((data.length / size) * count);
  for (let row = 0; row < data.length / size; row++) {
    for (let i = 0; i < count; i++) result[row * count + i] = data[row * size + indices[i]!]!;
  }
  return { shape: [...shape.slice(0, -1), count], data: result };
}
