import { join, dirname } from 'node:path';
import { readJson } from './atomic.ts';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The folder of BlockForge's package.json, whether this file is run as it is or compiled into `dist/`. */
export const packageFolder = findUpwards(dirname(fileURLToPath(import.meta.url)), 'package.json');

function findUpwards(folder: string, name: string): string {
  if (existsSync(join(folder, name))) return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error(`no ${name} above ${import.meta.url}`);
  return findUpwards(parent, name);
}

/** The version in package.json. */
export async function toolVersion(): Promise<string> {
  return (await readJson<{ version: string }>(join(packageFolder, 'package.json'))).version;
}
