/**
 * `npm run bench`: ours against PyTorch in one table. `npm run bench -- NAME [arguments]`: every other claim about speed is one file here,
 * and prints its ratio.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const table = 'peers';
const names = readdirSync(import.meta.dirname)
  .filter((file) => file.endsWith('.ts') && file !== 'main.ts')
  .map((file) => file.slice(0, -'.ts'.length));
const [first] = process.argv.slice(2);
const isTable = first === undefined || first.startsWith('-');
const name = isTable ? table : first;
const rest = process.argv.slice(isTable ? 2 : 3);
if (names.includes(name)) {
  const tsx = createRequire(import.meta.url).resolve('tsx');
  const script = join(import.meta.dirname, `${name}.ts`);
  const preloaded = pathToFileURL(join(import.meta.dirname, 'support', 'report-failures.ts')).href;
  const imports = [tsx, preloaded].flatMap((module) => ['--import', module]);
  const child = spawnSync(process.execPath, [...imports, script, ...rest], { stdio: 'inherit' });
  process.exitCode = child.status ?? 1;
  if (isTable && rest.includes('--help')) console.log(`\n${others()}`);
} else {
  console.error(`no bench ${name}\n${others()}`);
  process.exitCode = 2;
}

function others(): string {
  const lines = names
    .filter((other) => other !== table)
    .map((other) => {
      const text = readFileSync(join(import.meta.dirname, `${other}.ts`), 'utf8');
      return `  ${other.padEnd(14)}${firstSentence(text)}`;
    });
  return ['npm run bench -- NAME [arguments], NAME one of:', ...lines].join('\n');
}

/** Of the comment that a file begins with. */
function firstSentence(text: string): string {
  const comment = /^\/\*\*([\s\S]*?)\*\//.exec(text)?.[1] ?? '';
  const words = comment
    .replace(/^\s*\* ?/gm, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  return /^.*?[.:](?= |$)/.exec(words)?.[0].slice(0, -1) ?? words;
}
