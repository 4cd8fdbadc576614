import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Writes files of a line each; listing never looks into an image. A path that ends with `/` is an empty folder. */
export function writeFiles(
  at: string,
  paths: readonly string[],
  contents: Record<string, string> = {},
): void {
  for (const path of [...paths, ...Object.keys(contents)]) {
    const full = join(at, path);
    mkdirSync(path.endsWith('/') ? full : dirname(full), { recursive: true });
    if (!path.endsWith('/')) writeFileSync(full, contents[path] ?? path);
  }
}
