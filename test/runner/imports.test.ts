import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StageRegistry } from '../../pipeline/runner/contract.ts';
import type * as registry from '../../pipeline/stages/index.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '../..');

/** What a module loads as soon as it is loaded: not its type-only and not its late imports. */
function staticImports(file: string): string[] {
  const code = readFileSync(file, 'utf8').replace(/\/\*[^]*?\*\//g, '');
  const pattern = /^(?:import|export)\s+(?!type\b)(?:[^'";]*?\sfrom\s+)?'([^']+)'/gm;
  return [...code.matchAll(pattern)].map((match) => match[1]!);
}

/** Walks the import graph. @returns the path of imports to the first forbidden module, or undefined. */
function wayTo(forbidden: RegExp, start: readonly string[]): readonly string[] | undefined {
  const ways = new Map(start.map((file) => [file, [file]]));
  for (const [file, way] of ways) {
    for (const name of staticImports(file)) {
      if (forbidden.test(name)) return [...way, name];
      if (!name.startsWith('.')) continue;
      const next = resolve(dirname(file), name);
      if (!ways.has(next)) ways.set(next, [...way, next]);
    }
  }
  return undefined;
}

describe('import graph', () => {
  // Workers import the registry by its path, so only this line lets the compiler compare the two.
  const accept = (value: typeof registry): StageRegistry => value;
  void accept;

  const tensorflow = /^@tensorflow\//;
  const runner = readdirSync(join(root, 'pipeline/runner'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(root, 'pipeline/runner', name));

  it('sees imports, and only those that load something', () => {
    const self = fileURLToPath(import.meta.url);
    assert.ok(staticImports(self).includes('node:path'));
    assert.ok(wayTo(/^node:os$/, [join(root, 'pipeline/runner/run.ts')]), 'through lock.ts');
    assert.ok(
      !staticImports(join(root, 'pipeline/runner/local/worker.ts')).includes('../contract.ts'),
      'types only',
    );
  });

  it('of the runner is free of TensorFlow.js', () => {
    assert.ok(runner.length > 10);
    assert.deepEqual(wayTo(tensorflow, runner), undefined);
  });

  for (const entry of [
    'pipeline/stages/index.ts',
    'pipeline/stages/plan-input.ts',
    'pipeline/tensor/installed.ts',
    'pipeline/cli/main.ts',
    'pipeline/cli/run/command.ts',
  ]) {
    it(`of ${entry} is free of TensorFlow.js: --plan is instant`, function () {
      const file = join(root, entry);
      if (!existsSync(file)) {
        console.log(`      skipped: ${entry} does not exist`);
        return this.skip();
      }
      assert.deepEqual(wayTo(tensorflow, [file]), undefined);
    });
  }
});
