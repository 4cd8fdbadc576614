import type { FileHandle } from 'node:fs/promises';
import { fail } from '../util/failure.ts';
import { isRecord, showValue } from '../util/foreign-value.ts';

/**
 * The header of a safetensors file, read with suspicion: every size is checked before anything is allocated for it.
 * Format: 8 bytes little-endian header length, JSON, then the data without holes
 * (https://github.com/huggingface/safetensors#format).
 */
export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  /** In the order of the data. */
  readonly tensors: ReadonlyMap<string, TensorInfo>;
  /** Where the data begins, from the start of the file. */
  readonly dataStart: number;
}

export interface TensorInfo {
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  /** Offsets of the bytes in the data part. */
  readonly begin: number;
  readonly end: number;
}

/** Bytes per element, of everything that the format's own library writes; what is not in `converters` can only be skipped. */
export const dtypeBytes = {
  C64: 8,
  F8_E4M3: 1,
  F8_E4M3FNUZ: 1,
  F8_E5M2: 1,
  F8_E5M2FNUZ: 1,
  F8_E8M0: 1,
  F6_E2M3: 0.75,
  F6_E3M2: 0.75,
  F4: 0.5,
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const;
export type Dtype = keyof typeof dtypeBytes;

const maxHeaderBytes = 100e6;

/** @throws BlockForgeError `file-invalid`, naming `path`, for anything the format does not allow. */
export async function parseHeader(handle: FileHandle, path: string): Promise<SafetensorsHeader> {
  const stats = await handle.stat();
  const size = checkedSize(stats, path);
  const prefix = Buffer.alloc(8);
  await handle.read(prefix, 0, 8, 0);
  const bytes = Buffer.alloc(headerLength(prefix, size, path));
  const { bytesRead } = await handle.read(bytes, 0, bytes.length, 8);
  if (bytesRead !== bytes.length) invalid(path, 'the file ended inside its header');
  return headerOf(bytes, size, path);
}

/** The size of what is a file and could be one of these. */
export function checkedSize(stats: { isFile(): boolean; readonly size: number }, path: string): number {
  if (!stats.isFile()) invalid(path, 'not a file');
  if (stats.size < 10) invalid(path, `${stats.size} bytes`, 'a safetensors file');
  return stats.size;
}

/** @param prefix the first 8 bytes of a file of `size` bytes */
export function headerLength(prefix: Uint8Array, size: number, path: string): number {
  const length = Number(new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true));
  if (length > maxHeaderBytes || 8 + length > size) {
    invalid(
      path,
      `a header of ${length} bytes in a file of ${size} bytes`,
      `a complete safetensors file whose header is at most ${maxHeaderBytes} bytes`,
    );
  }
  return length;
}

/** @param bytes the JSON part of a file of `size` bytes */
export function headerOf(bytes: Uint8Array, size: number, path: string): SafetensorsHeader {
  let text = '';
  let parsed: unknown;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    parsed = JSON.parse(text);
  } catch (error) {
    invalid(path, `its header is not JSON (${(error as Error).message})`);
  }
  if (!isRecord(parsed)) return invalid(path, 'its header is not a JSON object');
  const repeated = repeatedKey(text);
  if (repeated !== undefined) invalid(path, `its header names ${showValue(repeated)} twice`);

  const dataStart = 8 + bytes.length;
  let metadata: Record<string, string> = {};
  const tensors: [string, TensorInfo][] = [];
  for (const [name, entry] of Object.entries(parsed)) {
    if (name === '__metadata__') {
      if (!isRecord(entry) || !Object.values(entry).every((value) => typeof value === 'string')) {
        return invalid(path, '__metadata__ is not an object of strings');
      }
      metadata = entry as Record<string, string>;
      continue;
    }
    const info = tensorInfo(entry, size - dataStart);
    tensors.push([
      name,
      typeof info === 'string' ? invalid(path, `tensor ${showValue(name)}: ${info}`) : info,
    ]);
  }
  tensors.sort(([, a], [, b]) => a.begin - b.begin || a.end - b.end);
  let position = 0;
  for (const [name, { begin, end }] of tensors) {
    if (begin !== position) {
      invalid(
        path,
        `tensor ${showValue(name)} begins at ${begin}`,
        `${position}, where the one before it ends`,
      );
    }
    position = end;
  }
  if (position !== size - dataStart) {
    invalid(path, `${size - dataStart} bytes of data`, `${position} bytes, as its header says`);
  }
  return { metadata, tensors: new Map(tensors), dataStart };
}

function invalid(path: string, found: string, expected?: string): never {
  return fail({
    reason: 'file-invalid',
    subject: path,
    found,
    ...(expected !== undefined && { expected }),
    next: 'download or convert the file again',
  });
}

/** The entry as a TensorInfo, or what is wrong with it. */
function tensorInfo(entry: unknown, dataBytes: number): TensorInfo | string {
  if (!isRecord(entry)) return 'not an object';
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || !Object.hasOwn(dtypeBytes, dtype)) {
    return `dtype ${showValue(dtype)} is not one of ${Object.keys(dtypeBytes).join(', ')}`;
  }
  if (!isSizes(shape)) return `shape ${showValue(shape)} is not a list of sizes`;
  if (!isSizes(offsets) || offsets.length !== 2)
    return `data_offsets ${showValue(offsets)} are not two offsets`;
  const begin = offsets[0]!;
  const end = offsets[1]!;
  if (begin > end || end > dataBytes) return `bytes ${begin}..${end} of ${dataBytes}`;
  // Checked factor by factor: a product beyond 2^53 must not round its way to a match.
  let bytes: number = dtypeBytes[dtype as Dtype];
  if (shape.includes(0)) bytes = 0;
  for (const extent of shape) {
    bytes *= extent;
    if (bytes > dataBytes) break;
  }
  if (bytes !== end - begin) return `${dtype} ${showValue(shape)} does not fill bytes ${begin}..${end}`;
  return { dtype: dtype as Dtype, shape, begin, end };
}

function isSizes(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

/**
 * The first key that appears twice in one object of valid JSON `text`. JSON.parse keeps the last one silently, so
 * two readers could see two different files.
 */
function repeatedKey(text: string): string | undefined {
  const open: Set<string>[] = [];
  for (let i = 0; i < text.length; i++) {
    const character = text[i];
    if (character === '{') open.push(new Set());
    else if (character === '}') open.pop();
    else if (character === '"') {
      const start = i++;
      while (text[i] !== '"') i += text[i] === '\\' ? 2 : 1;
      let after = i + 1;
      while (' \t\n\r'.includes(text[after]!)) after++;
      if (text[after] !== ':') continue;
      const key = JSON.parse(text.slice(start, i + 1)) as string;
      const keys = open[open.length - 1]!;
      if (keys.has(key)) return key;
      keys.add(key);
    }
  }
  return undefined;
}
