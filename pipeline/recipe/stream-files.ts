import { open, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { PackedStream } from '../compress/packed-stream.ts';
import { writeFileAtomic } from '../util/atomic.ts';
import type { StreamStore } from './stream-store.ts';

/**
 * A file per piece: a head of 128 bytes (JSON, filled up with spaces), then for every level the values (little-endian int16)
 * and the scales (float32). Files are exchanged as a whole, so a kill leaves the streams before a block or those behind it;
 * a file that is cut short or not one of these is taken for none.
 */
export function streamFiles(root: string, bytes: number): StreamStore {
  const pathOf = (piece: number): string => join(root, `piece-${String(piece).padStart(5, '0')}.streams`);
  return {
    bytes,
    async keyOf(piece) {
      const file = await open(pathOf(piece)).catch(() => undefined);
      if (file === undefined) return undefined;
      try {
        const { buffer } = await file.read({ buffer: Buffer.alloc(HEAD_BYTES), position: 0 });
        const head = readHead(buffer);
        return head !== undefined && (await file.stat()).size === sizeOf(head) ? head.key : undefined;
      } finally {
        await file.close();
      }
    },
    async read(piece) {
      const content = await readFile(pathOf(piece));
      const head = readHead(content.subarray(0, HEAD_BYTES));
      if (head === undefined || content.length !== sizeOf(head))
        throw new Error(`${pathOf(piece)} is broken`);
      const levels = Array.from({ length: head.levels }, (_, level) => streamOf(content, head, level));
      return { key: head.key, levels };
    },
    async write(piece, { key, levels }) {
      const rows = levels[0]!.scales.length;
      const head: Head = { key, levels: levels.length, rows, width: levels[0]!.values.length / rows };
      const parts = levels.flatMap(({ scales, values }) => [bytesOf(scales), bytesOf(values)]);
      const text = JSON.stringify(head).padEnd(HEAD_BYTES);
      await writeFileAtomic(pathOf(piece), [Buffer.from(text, 'latin1'), ...parts]);
    },
    remove: () => rm(root, { recursive: true, force: true }),
  };
}

const HEAD_BYTES = 128;

interface Head {
  readonly key: string;
  readonly levels: number;
  readonly rows: number;
  /** D */
  readonly width: number;
}

function readHead(bytes: Uint8Array): Head | undefined {
  try {
    const head = JSON.parse(Buffer.from(bytes).toString('latin1')) as Head;
    return typeof head.key === 'string' ? head : undefined;
  } catch {
    return undefined;
  }
}

function sizeOf({ levels, rows, width }: Omit<Head, 'key'>): number {
  return HEAD_BYTES + levels * streamBytes(rows, width);
}

/** Of so many tokens of width D. */
export function streamBytes(rows: number, width: number): number {
  return rows * (2 * width + 4);
}

/** The stream of a level out of a file's content, in copies, which begin where numbers may. */
function streamOf(content: Buffer, { rows, width }: Head, level: number): PackedStream {
  const start = content.byteOffset + HEAD_BYTES + level * streamBytes(rows, width);
  const buffer = content.buffer as ArrayBuffer;
  const values = start + 4 * rows;
  return {
    scales: new Float32Array(buffer.slice(start, values)),
    values: new Int16Array(buffer.slice(values, values + 2 * rows * width)),
  };
}

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array | Int16Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
