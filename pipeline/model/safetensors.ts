import { open, type FileHandle } from 'node:fs/promises';
import { writeFileAtomic } from '../util/atomic.ts';
import { fail } from '../util/failure.ts';
import { showValue } from '../util/foreign-value.ts';
import type { HostWeights } from './host-weights.ts';
import { parseHeader, type Dtype, type SafetensorsHeader, type TensorInfo } from './safetensors-header.ts';
import { openFlags } from '../util/plain-file.ts';
import { allocate, refuseOpen } from './untrusted-file.ts';

export type { SafetensorsHeader, TensorInfo } from './safetensors-header.ts';

export type TypedArray = Float32Array | Float64Array | Int32Array | Uint8Array;

export interface NamedArray {
  readonly shape: readonly number[];
  readonly data: TypedArray;
}

export type NamedArrays = Record<string, NamedArray>;

/** An open file; its owner closes it. Little-endian machines only, like every machine TensorFlow.js runs on. */
export interface SafetensorsFile {
  readonly path: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of the data. */
  readonly names: readonly string[];
  /** @throws BlockForgeError `file-invalid` where there is no such tensor; so do the readers. */
  info(name: string): TensorInfo;
  /** F32 as it is; F16, BF16 and F64 converted. */
  read(name: string): Promise<Float32Array>;
  /** F32, F64, I32 and U8 as they are; F16 and BF16 as float32. */
  readTyped(name: string): Promise<TypedArray>;
  close(): Promise<void>;
}

/** @throws BlockForgeError `file-missing`, `file-invalid` */
export async function readSafetensorsHeader(path: string): Promise<SafetensorsHeader> {
  const handle = await openFile(path);
  try {
    return await parseHeader(handle, path);
  } finally {
    await handle.close();
  }
}

/** @throws BlockForgeError `file-missing`, `file-invalid` */
export async function openSafetensors(path: string): Promise<SafetensorsFile> {
  const handle = await openFile(path);
  let header: SafetensorsHeader;
  try {
    header = await parseHeader(handle, path);
  } catch (error) {
    await handle.close();
    throw error;
  }
  const info = (name: string): TensorInfo =>
    header.tensors.get(name) ??
    fail({ reason: 'file-invalid', subject: path, found: `no tensor ${showValue(name)}` });
  const bytesOf = async (name: string): Promise<ArrayBuffer> => {
    const { begin, end } = info(name);
    const buffer = allocate(end - begin, `${path}, tensor ${showValue(name)}`);
    await readFully(handle, new Uint8Array(buffer), header.dataStart + begin, path);
    return buffer;
  };
  const readTyped = async (name: string): Promise<TypedArray> => {
    const { dtype } = info(name);
    const convert = converters[dtype];
    if (convert === undefined) {
      return fail({
        reason: 'file-invalid',
        subject: `${path}, tensor ${showValue(name)}`,
        found: `dtype ${dtype}`,
        expected: `one of ${Object.keys(converters).join(', ')}`,
      });
    }
    return convert(await bytesOf(name));
  };
  return {
    path,
    metadata: header.metadata,
    names: [...header.tensors.keys()],
    info,
    readTyped,
    async read(name) {
      const { dtype } = info(name);
      if (dtype === 'I32' || dtype === 'U8') {
        fail({
          reason: 'file-invalid',
          subject: `${path}, tensor ${showValue(name)}`,
          found: `dtype ${dtype}`,
          expected: 'real numbers',
        });
      }
      const data = await readTyped(name);
      return data instanceof Float32Array ? data : Float32Array.from(data);
    },
    close: () => handle.close(),
  };
}

/**
 * Opens a file, reads tensors as float32, by name with their shapes, and closes it.
 * @param names default: all, in the order of the file
 * @throws BlockForgeError `file-missing`, `file-invalid`
 */
export async function readTensors(
  path: string,
  names?: readonly string[],
): Promise<{ metadata: Readonly<Record<string, string>>; tensors: HostWeights }> {
  return withSafetensors(path, async (file) => {
    const tensors: HostWeights = {};
    for (const name of names ?? file.names) {
      tensors[name] = { shape: file.info(name).shape, data: await file.read(name) };
    }
    return { metadata: file.metadata, tensors };
  });
}

/** Opens a file, lets `work` read from it, and closes it, whatever comes of that. */
export async function withSafetensors<T>(
  path: string,
  work: (file: SafetensorsFile) => Promise<T>,
): Promise<T> {
  const file = await openSafetensors(path);
  try {
    return await work(file);
  } finally {
    await file.close();
  }
}

/**
 * Writes all tensors, streaming, so that a crash leaves the old file or the new one. Equal content gives equal bytes:
 * widest element first, then by name, which also aligns every tensor to its element size without holes.
 * @throws BlockForgeError `out-of-space`
 */
export async function writeSafetensors(
  path: string,
  arrays: Readonly<NamedArrays>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  const entries = Object.entries(arrays).sort(
    ([a, { data: x }], [b, { data: y }]) =>
      y.BYTES_PER_ELEMENT - x.BYTES_PER_ELEMENT || (a < b ? -1 : a > b ? 1 : 0),
  );
  const sorted = Object.entries(metadata).sort(([a], [b]) => (a < b ? -1 : 1));
  const members = sorted.length === 0 ? [] : [`"__metadata__":${jsonObject(sorted)}`];
  let position = 0;
  for (const [name, { shape, data }] of entries) {
    if (name === '__metadata__') throw new Error('a tensor cannot be named __metadata__');
    if (shape.reduce((product, extent) => product * extent, 1) !== data.length) {
      throw new Error(`tensor ${name}: ${data.length} elements for shape [${shape.join(', ')}]`);
    }
    const end = position + data.byteLength;
    members.push(
      `${JSON.stringify(name)}:${JSON.stringify({ dtype: dtypeOf(data), shape, data_offsets: [position, end] })}`,
    );
    position = end;
  }
  const json = Buffer.from(`{${members.join(',')}}`);
  const header = Buffer.alloc(8 + Math.ceil(json.length / 8) * 8, ' ');
  header.writeBigUInt64LE(BigInt(header.length - 8));
  json.copy(header, 8);
  await writeFileAtomic(
    path,
    chunks(
      header,
      entries.map(([, { data }]) => data),
    ),
  );
}

function jsonObject(entries: readonly (readonly [string, string])[]): string {
  return `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`;
}

/** Below the 2 GiB that one write may hold. */
const chunkBytes = 64 * 2 ** 20;

function* chunks(header: Uint8Array, arrays: readonly TypedArray[]): Generator<Uint8Array> {
  yield header;
  for (const { buffer, byteOffset, byteLength } of arrays) {
    for (let start = 0; start < byteLength; start += chunkBytes) {
      yield new Uint8Array(buffer, byteOffset + start, Math.min(chunkBytes, byteLength - start));
    }
  }
}

function dtypeOf(data: TypedArray): Dtype {
  if (data instanceof Float32Array) return 'F32';
  if (data instanceof Float64Array) return 'F64';
  return data instanceof Int32Array ? 'I32' : 'U8';
}

const converters: Partial<Record<Dtype, (bytes: ArrayBuffer) => TypedArray>> = {
  F64: (bytes) => new Float64Array(bytes),
  F32: (bytes) => new Float32Array(bytes),
  I32: (bytes) => new Int32Array(bytes),
  U8: (bytes) => new Uint8Array(bytes),
  BF16: (bytes) => new Float32Array(Uint32Array.from(new Uint16Array(bytes), (bits) => bits << 16).buffer),
  F16: (bytes) => Float32Array.from(new Uint16Array(bytes), halfToSingle),
};

/** IEEE 754 binary16: 1 sign, 5 exponent, 10 fraction bits. */
function halfToSingle(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Infinity : NaN;
  return sign * (1024 + fraction) * 2 ** (exponent - 25);
}

async function openFile(path: string): Promise<FileHandle> {
  return open(path, openFlags).catch((error: unknown) => refuseOpen(error, path));
}

async function readFully(
  handle: FileHandle,
  target: Uint8Array,
  position: number,
  path: string,
): Promise<void> {
  for (let done = 0; done < target.length;) {
    const length = Math.min(chunkBytes, target.length - done);
    const { bytesRead } = await handle.read(target, done, length, position + done);
    if (bytesRead === 0)
      fail({ reason: 'file-invalid', subject: path, found: 'the file became shorter while it was read' });
    done += bytesRead;
  }
}
