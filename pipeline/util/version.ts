import { join } from 'node:path';
import { readJson } from './atomic.ts';
import { packageFolder } from './package-folder.ts';

/** The version in package.json. */
export async function toolVersion(): Promise<string> {
  return (await readJson<{ version: string }>(join(packageFolder, 'package.json'))).version;
}
