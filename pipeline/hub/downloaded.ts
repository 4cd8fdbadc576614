import { open, readFile, stat } from 'node:fs/promises';
import { readSafetensorsHeader } from '../model/safetensors.ts';
import { BlockForgeError } from '../util/failure.ts';
import { isRecord } from '../util/foreign-value.ts';

/** What no JSON file of a model comes near to, and no weights that fit a machine. */
export function maxBytes(file: string): number {
  return file.endsWith('.safetensors') ? 200e9 : 16e6;
}

/**
 * What is wrong with a file that was downloaded as `name`: a login page or a Git LFS pointer in its place, an end that is
 * missing, anything but a JSON object. Weights are judged by their header, which tells the file's length.
 * @returns undefined where nothing is
 */
export async function problemOf(path: string, name: string): Promise<string | undefined> {
  const handle = await open(path);
  let start: string;
  try {
    const bytes = Buffer.alloc(64);
    start = bytes.toString('latin1', 0, (await handle.read(bytes, 0, 64, 0)).bytesRead);
  } finally {
    await handle.close();
  }
  if (/^\s*</.test(start)) return 'a web page in its place';
  if (start.startsWith('version https://git-lfs')) return 'a Git LFS pointer in its place';
  try {
    if (name.endsWith('.safetensors')) {
      await readSafetensorsHeader(path);
      return undefined;
    }
    if ((await stat(path)).size > maxBytes(name)) return 'too large for what it is called';
    const value: unknown = JSON.parse(await readFile(path, 'utf8'));
    if (!isRecord(value)) return 'no JSON object';
    const isIndex = name.includes('.index.json');
    return isIndex && !isRecord(value.weight_map) ? 'no weight_map of file names' : undefined;
  } catch (error) {
    return error instanceof BlockForgeError ? error.failure.found : `damaged (${(error as Error).message})`;
  }
}
