import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { open } from 'node:fs/promises';
import { fail } from './failure.ts';

// Where a pipe lies under a name, a blocking open would wait for its writer for ever. Windows has no such flag.
const flags: { readonly O_RDONLY: number; readonly O_NONBLOCK?: number } = constants;
export const openFlags = flags.O_RDONLY | (flags.O_NONBLOCK ?? 0);

/**
 * The content of a file that somebody named: never waits for a pipe, never reads a device to its end.
 * @throws BlockForgeError `file-invalid` for what is no file or larger than `maxBytes`; errors of the system as they are
 */
export async function readPlainFile(path: string, maxBytes = 2 ** 31): Promise<Buffer> {
  const handle = await open(path, openFlags);
  try {
    requirePlain(await handle.stat(), path, maxBytes);
    return await handle.readFile();
  } finally {
    await handle.close();
  }
}

/** The same at once; reads no more than the bound where a file does not know its size (below /proc). */
export function readPlainFileSync(path: string, maxBytes: number): Buffer {
  const file = openSync(path, openFlags);
  try {
    requirePlain(fstatSync(file), path, maxBytes);
    const bytes = Buffer.alloc(maxBytes + 1);
    let length = 0;
    for (let read = 1; read > 0 && length < bytes.length; length += read) {
      read = readSync(file, bytes, length, bytes.length - length, null);
    }
    if (length > maxBytes) refuseSize(path, 'more', maxBytes);
    return bytes.subarray(0, length);
  } finally {
    closeSync(file);
  }
}

function requirePlain(stats: Stats, path: string, maxBytes: number): void {
  if (stats.isFile()) return stats.size > maxBytes ? refuseSize(path, stats.size, maxBytes) : undefined;
  const found = stats.isDirectory() ? 'a folder, not a file' : 'a pipe, a socket or a device, not a file';
  fail({ reason: 'file-invalid', subject: path, found });
}

function refuseSize(path: string, size: number | string, maxBytes: number): never {
  return fail({
    reason: 'file-invalid',
    subject: path,
    found: `${size} bytes`,
    expected: `at most ${maxBytes} bytes`,
  });
}
