/** `npm run bench -- NAME [arguments]`: every claim about speed is one file here, and prints its ratio. */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const [name, ...rest] = process.argv.slice(2);
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && file !== 'main.ts')
  .map((file) => file.slice(0, -'.ts'.length));
if (name === undefined || !names.includes(name)) {
  console.error(`npm run bench -- NAME [arguments], NAME one of: ${names.join(', ')}`);
  process.exitCode = 2;
} else {
  const tsx = createRequire(import.meta.url).resolve('tsx');
  const child = spawnSync(
    process.execPath,
    ['--import', tsx, join(import.meta.dirname, `${name}.ts`), ...rest],
    {
      stdio: 'inherit',
    },
  );
  process.exitCode = child.status ?? 1;
}
