import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageFolder, toolVersion } from './package.ts';

let known: Promise<string> | undefined;

/** The version in package.json and a digest of all sources, e.g. `0.1.0+9c56cc51b374`: equal where the same code runs. */
export function programVersion(): Promise<string> {
  known ??= compute();
  return known;
}

async function compute(): Promise<string> {
  const hash = createHash('sha256');
  for (const folder of ['datasets', 'pipeline']) {
    const names = readdirSync(join(packageFolder, folder), { recursive: true, encoding: 'utf8' });
    const files = names.filter((name) => /\.[jt]s$/.test(name)).map((name) => name.replaceAll('\\', '/'));
    for (const file of files.sort()) {
      const content = readFileSync(join(packageFolder, folder, file));
      hash.update(`${file}\n${content.length}\n`).update(content);
    }
  }
  return `${await toolVersion()}+${hash.digest('hex').slice(0, 12)}`;
}
