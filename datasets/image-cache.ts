import type { Dirent } from 'node:fs';
import { readdir, rm, stat, utimes } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { hashJson } from '../pipeline/util/hash.ts';
import type { Sha256 } from '../pipeline/util/hash.ts';
import { readCacheFile, writeCacheFile } from './cache-file.ts';
import { fitVersion } from './fit-image.ts';
import type { FitGeometry } from './fit-geometry.ts';

/** Prepared images on disk: uint8 pixels, then their CRC-32. Shared by runs and processes. */
export interface ImageCache {
  readonly folder: string;
  /** The pixels, or undefined when they are not there or damaged. */
  read(key: Sha256, byteCount: number): Promise<Uint8Array | undefined>;
  /** Never fails a run: after a write error (disk full, read-only) the cache stops writing and says why once. */
  write(key: Sha256, pixels: Uint8Array): Promise<void>;
}

/** `$BLOCKFORGE_CACHE/images`, else `~/.cache/blockforge/images`. */
export function defaultCacheFolder(environment: NodeJS.ProcessEnv = process.env): string {
  const root = environment.BLOCKFORGE_CACHE;
  return join(root ? root : join(homedir(), '.cache', 'blockforge'), 'images');
}

/** Same content, same geometry, same code: same pixels. Mean and std are not part of it. */
export function cacheKey(content: Sha256, geometry: FitGeometry): Sha256 {
  const { resize, resizeMode, interpolation, crop, cropRounding, channels } = geometry;
  return hashJson({ fitVersion, content, resize, resizeMode, interpolation, crop, cropRounding, channels });
}

const checksumBytes = 4;
/** A read refreshes the time stamp at most this often: eviction needs days, not seconds. */
const touchEveryMs = 3_600_000;
/** After eviction the cache is this full, so that it does not run again with the next image. */
const evictTo = 0.9;

/**
 * @param maxBytes bound of the folder's size; beyond it the images not used for longest are removed.
 * @param warn told once when the cache had to stop writing.
 */
export function openImageCache(options: {
  readonly folder?: string;
  readonly maxBytes: number;
  readonly warn?: (message: string) => void;
}): ImageCache {
  const { maxBytes, folder = defaultCacheFolder(), warn } = options;
  let broken = false;
  /** Bytes in the folder as far as known; other processes write too, so it is measured again now and then. */
  let known: number | undefined;
  let sinceMeasured = 0;
  let bounding: Promise<void> | undefined;

  /** Writes go on beside each other: whichever fails first says so. */
  const giveUp = (error: Error): void => {
    if (!broken) warn?.(`the image cache ${folder} is not written any more: ${error.message}`);
    broken = true;
  };

  const bound = async (): Promise<void> => {
    const entries = await listFiles(folder);
    known = entries.reduce((sum, entry) => sum + entry.bytes, 0);
    sinceMeasured = 0;
    if (known <= maxBytes) return;
    entries.sort((a, b) => a.usedMs - b.usedMs);
    for (const { path, bytes } of entries) {
      if (known <= maxBytes * evictTo) break;
      await rm(path, { force: true });
      known -= bytes;
    }
  };

  return {
    folder,
    async read(key, byteCount) {
      const path = pathOf(folder, key);
      try {
        const file = await readCacheFile(path, byteCount + checksumBytes);
        if (file === undefined) return undefined;
        const pixels = file.bytes.subarray(0, byteCount);
        if (file.bytes.readUInt32LE(byteCount) !== crc32(pixels)) return undefined;
        if (Date.now() - file.modifiedMs > touchEveryMs)
          await utimes(path, new Date(), new Date()).catch(() => {});
        return pixels;
      } catch {
        return undefined;
      }
    },
    async write(key, pixels) {
      if (broken || pixels.length + checksumBytes > maxBytes) return;
      const bytes = Buffer.allocUnsafe(pixels.length + checksumBytes);
      bytes.set(pixels);
      bytes.writeUInt32LE(crc32(pixels), pixels.length);
      try {
        await writeCacheFile(pathOf(folder, key), bytes);
        sinceMeasured += bytes.length;
        if (known !== undefined) known += bytes.length;
        if (known === undefined || known > maxBytes || sinceMeasured > maxBytes / 20) {
          bounding ??= bound().finally(() => (bounding = undefined));
          await bounding;
        }
      } catch (error) {
        giveUp(error as Error);
      }
    },
  };
}

function pathOf(folder: string, key: Sha256): string {
  return join(folder, key.slice(0, 2), key.slice(2, 4), key);
}

async function listFiles(folder: string): Promise<{ path: string; bytes: number; usedMs: number }[]> {
  const files: { path: string; bytes: number; usedMs: number }[] = [];
  const visit = async (path: string): Promise<void> => {
    const entries: Dirent[] = await readdir(path, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const full = join(path, entry.name);
      if (entry.isDirectory()) await visit(full);
      else {
        // Another process may have evicted it meanwhile.
        const found = await stat(full).catch(() => undefined);
        if (found !== undefined) files.push({ path: full, bytes: found.size, usedMs: found.mtimeMs });
      }
    }
  };
  await visit(folder);
  return files;
}
