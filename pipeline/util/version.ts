import { readJson } from './atomic.ts';

/** The version in package.json. */
export async function toolVersion(): Promise<string> {
  const path = new URL('../../package.json', import.meta.url).pathname;
  return (await readJson<{ version: string }>(path)).version;
}
