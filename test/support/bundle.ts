import { mkdtempSync, mkdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { build } from 'esbuild';

const cache = join(import.meta.dirname, '..', '..', 'node_modules', '.cache');

/** A TypeScript program as one file that Node.js starts at once: for tests that start it dozens of times. */
export async function bundle(file: string): Promise<{ readonly file: string; remove(): void }> {
  mkdirSync(cache, { recursive: true });
  // Below the package, where imports of packages are found.
  const folder = mkdtempSync(join(cache, 'blockforge-test-'));
  const outfile = join(folder, `${basename(file, '.ts')}.mjs`);
  await build({
    ...{ entryPoints: [file], outfile, bundle: true, packages: 'external' },
    ...{ platform: 'node', format: 'esm', target: 'node20', logLevel: 'error' },
  });
  return { file: outfile, remove: () => rmSync(folder, { recursive: true, force: true }) };
}
