import { lstat, readdir, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import type { RunStatus } from './run-status.ts';

/** Bytes of all files below a folder, and what is free beside them. What goes while it is looked at is left out. */
export async function diskUse(folder: string): Promise<RunStatus['disk']> {
  const system = await statfs(folder).catch(() => undefined);
  const free = system === undefined ? {} : { freeBytes: system.bavail * system.bsize };
  return { usedBytes: await bytesBelow(folder), ...free };
}

async function bytesBelow(folder: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) bytes += await bytesBelow(path);
    else bytes += (await lstat(path).catch(() => undefined))?.size ?? 0;
  }
  return bytes;
}
