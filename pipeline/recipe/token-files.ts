import { open, rename, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../util/make-folder.ts';

/**
 * Growing files of block inputs, one per block: little-endian float32 rows of D values, no header. They grow in
 * `draftFolder`, which survives an interruption, and are moved to their place by `publish`.
 */
export interface TokenFiles {
  /** Appends the rows of one batch to the file of block `block`. */
  append(block: number, rows: Float32Array): Promise<void>;
  /** Bytes in each file so far: all files are the same length between batches. */
  readonly sizeBytes: number;
  /** Cuts every file back to `sizeBytes`, the length at the last checkpoint. */
  truncate(sizeBytes: number): Promise<void>;
  publish(folder: string): Promise<void>;
  close(): Promise<void>;
}

export async function openTokenFiles(draftFolder: string, names: readonly string[]): Promise<TokenFiles> {
  makeFolder(draftFolder);
  const handles: FileHandle[] = [];
  for (const name of names) handles.push(await open(join(draftFolder, name), 'a'));
  const sizes = await Promise.all(handles.map(async (handle) => (await handle.stat()).size));
  return {
    get sizeBytes() {
      return Math.min(...sizes);
    },
    async append(block, rows) {
      await handles[block]!.appendFile(new Uint8Array(rows.buffer, rows.byteOffset, rows.byteLength));
      sizes[block]! += rows.byteLength;
    },
    async truncate(sizeBytes) {
      for (const [block, handle] of handles.entries()) {
        if (sizes[block]! < sizeBytes) throw new Error(`${names[block]} is shorter than its checkpoint says`);
        await handle.truncate(sizeBytes);
        sizes[block] = sizeBytes;
      }
    },
    async publish(folder) {
      for (const [block, handle] of handles.entries()) {
        await handle.sync();
        await rename(join(draftFolder, names[block]!), join(folder, names[block]!));
      }
    },
    close: async () => {
      await Promise.all(handles.map((handle) => handle.close()));
    },
  };
}
