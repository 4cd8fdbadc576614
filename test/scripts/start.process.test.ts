import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { compiledPrograms } from '../../scripts/start/compiled.js';

const root = join(import.meta.dirname, '..', '..');

/** `scripts/start.js` in a project of a few lines. */
describe('the starter', () => {
  let project: string;
  const cache = (): string => join(project, 'node_modules', '.cache', 'blockforge');
  const copies = (): string[] => readdirSync(cache()).filter((name) => !name.endsWith('.json'));
  const put = (name: string, text: string): string => {
    const path = join(project, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  };
  const main = (what: string): string =>
    put(
      'pipeline/cli/main.ts',
      `import { text } from './text.ts';\nconst told = { text, pid: process.pid, argv: process.argv, at: import.meta.url };\n` +
        `console.log(JSON.stringify(told));\n${what}`,
    );
  const start = (program = 'pipeline/cli/main.ts', ...args: string[]) => {
    const { pid, status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(project, 'scripts', 'start.js'), program, ...args],
      { cwd: project, encoding: 'utf8' },
    );
    const told = JSON.parse(stdout.split('\n')[0] || '{}') as {
      text?: string;
      pid?: number;
      argv: string[];
      at?: string;
    };
    return { pid, status, stderr, told };
  };

  beforeEach(() => {
    project = mkdtempSync(join(tmpdir(), 'blockforge-start-'));
    cpSync(join(root, 'scripts', 'start.js'), join(project, 'scripts', 'start.js'));
    cpSync(join(root, 'scripts', 'start'), join(project, 'scripts', 'start'), { recursive: true });
    put('package.json', '{ "type": "module" }');
    for (const name of ['tsx', 'esbuild']) {
      mkdirSync(join(project, 'node_modules'), { recursive: true });
      symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name));
    }
    main('');
    put('pipeline/cli/text.ts', "export const text: string = 'first';");
    put(
      'pipeline/runner/local/worker.ts',
      "const { text } = (await import(process.argv[2] ?? '')) as { text: string };\n" +
        'console.log(JSON.stringify({ text, argv: process.argv }));',
    );
    put('pipeline/stages/some/graph.ts', "export const text: string = 'graph';");
  });
  afterEach(() => {
    rmSync(project, { recursive: true });
  });

  it('runs a program from one compiled copy, in its own process, as if it were the source', () => {
    main('process.exitCode = 7;');
    for (const round of ['first', 'second']) {
      const { pid, status, told } = start('pipeline/cli/main.ts', '--word', 'a b');
      assert.deepEqual([told.text, told.pid, status], ['first', pid, 7], round);
      assert.deepEqual(told.argv.slice(2), ['--word', 'a b']);
      assert.equal(
        told.at,
        pathToFileURL(join(project, 'pipeline/cli/main.ts')).href,
        'finds what lies beside it',
      );
      assert.ok(told.argv[1]?.startsWith(cache()), round);
      assert.equal(copies().length, 1);
    }
  });

  it('makes the copy anew when a source has changed, and leaves the one before to those that run', () => {
    start();
    put('pipeline/cli/text.ts', "export const text: string = 'second';");
    const { told } = start();
    assert.equal(told.text, 'second');
    assert.equal(copies().length, 2);
  });

  it('sees a change whatever time the file says it is from, and keeps a copy of files from the future', () => {
    const past = new Date('2001-02-03');
    utimesSync(join(project, 'pipeline/cli/text.ts'), past, past);
    utimesSync(join(project, 'pipeline/cli/main.ts'), new Date(), new Date('2101-02-03'));
    start();
    assert.equal(copies().length, 1);
    utimesSync(put('pipeline/cli/text.ts', "export const text: string = 'other';"), past, past);
    assert.equal(start().told.text, 'other');
  });

  it('keeps the copy of sources that were only copied to where they are, as into the layers of an image', () => {
    start();
    const text = "export const text: string = 'first';";
    rmSync(join(project, 'pipeline/cli/text.ts'));
    put('pipeline/cli/text.ts', text);
    for (const round of ['read once', 'known again']) {
      assert.equal(start().told.text, 'first', round);
      assert.equal(copies().length, 1, round);
    }
    put('pipeline/cli/text.ts', text.replace('first', 'other'));
    assert.equal(start().told.text, 'other', 'the same size');
    assert.equal(copies().length, 2);
  });

  it('gives a worker the compiled module that it takes its work from, and one that is not in the copy as it is', () => {
    const worker = 'pipeline/runner/local/worker.ts';
    const own = start(worker, join(project, 'pipeline/stages/some/graph.ts'));
    assert.equal(own.told.text, 'graph', own.stderr);
    assert.ok(own.told.argv[2]?.startsWith(cache()));
    const foreign = put('elsewhere.ts', "export const text: string = 'elsewhere';");
    const other = start(worker, foreign);
    assert.deepEqual([other.told.text, other.told.argv[2]], ['elsewhere', foreign], other.stderr);
  });

  it('names the sources in the stack of a bug', () => {
    main('\nthrow new Error(`a ${text} bug` as string);');
    for (const round of ['compiling', 'compiled']) {
      const { status, stderr } = start();
      assert.equal(status, 1);
      assert.match(stderr, /Error: a first bug/);
      assert.match(stderr, /pipeline\/cli\/main\.ts:5/, round);
    }
  });

  it('runs without a copy where none can be kept, and tells of a source that is wrong', () => {
    put('node_modules/.cache', 'no folder');
    assert.deepEqual(start().told.text, 'first');
    rmSync(join(project, 'node_modules/.cache'));
    main('const = 1;');
    const { status, stderr } = start();
    assert.equal(status, 1);
    assert.match(stderr, /main\.ts/);
    assert.ok(!existsSync(cache()) || copies().length === 0, 'no copy of what does not compile');
  });

  it('has a copy of all that this project starts', async () => {
    const programs = ['cli/main.ts', 'runner/local/worker.ts', 'stages/blocks/graph.ts'].map((name) =>
      join(root, 'pipeline', name),
    );
    const files = await compiledPrograms(root, programs);
    for (const program of programs) assert.ok(existsSync(files?.get(program) ?? ''), program);
  });
});
