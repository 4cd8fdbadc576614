import assert from 'node:assert/strict';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { StageRegistry } from '../pipeline/runner/contract.ts';
import type * as blocks from '../pipeline/stages/blocks/graph.ts';
import type * as devit from '../pipeline/stages/devit/graph.ts';
import type * as edVit from '../pipeline/stages/ed-vit/graph.ts';
import { methods } from '../pipeline/stages/methods.ts';
import { stagesOfMethods } from '../pipeline/stages/stages-of-methods.ts';
import { readSource, sourceFiles, wayTo } from './support/imports.ts';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');

type Accepted<T extends StageRegistry> = T;
/** Workers import registries by their paths, so only this line lets the compiler compare them. */
export type Registries = [Accepted<typeof blocks>, Accepted<typeof edVit>, Accepted<typeof devit>];

describe('import graph', () => {
  const tensorflow = /^@tensorflow\//;
  const loaded = (file: string) =>
    readSource(file).imports.flatMap(({ kind, name }) => (kind === 'static' ? [name] : []));

  it('sees imports, and only those that load something', () => {
    const self = fileURLToPath(import.meta.url);
    assert.ok(loaded(self).includes('node:path'));
    assert.ok(!loaded(self).includes('../pipeline/stages/blocks/graph.ts'), 'types only');
    assert.ok(wayTo(/^node:os$/, [join(root, 'pipeline/runner/run.ts')]), 'through lock.ts');
    assert.ok(
      !loaded(join(root, 'pipeline/runner/local/worker.ts')).includes('../contract.ts'),
      'types only',
    );
  });

  it('of the runner is free of TensorFlow.js', () => {
    const runner = sourceFiles(join(root, 'pipeline/runner'));
    assert.ok(runner.length > 10);
    assert.deepEqual(wayTo(tensorflow, runner), undefined);
  });

  for (const entry of [
    'pipeline/stages/blocks/graph.ts',
    'pipeline/stages/ed-vit/graph.ts',
    'pipeline/stages/devit/graph.ts',
    'pipeline/tensor/installed.ts',
    'pipeline/cli/main.ts',
    'pipeline/cli/run/command.ts',
  ]) {
    it(`of ${entry} is free of TensorFlow.js: --plan is instant`, () => {
      assert.deepEqual(wayTo(tensorflow, [join(root, entry)]), undefined);
    });
  }

  it('of pipeline/cli/main.ts is free of the schemas of configs, for the help, and has the stages of every method', () => {
    assert.deepEqual(wayTo(/^(zod|yaml)$/, [join(root, 'pipeline/cli/main.ts')]), undefined);
    assert.deepEqual(
      Object.entries(stagesOfMethods),
      methods.map(({ name, stages }) => [name, stages]),
    );
  });

  it('of all that the run command loads later is free of TensorFlow.js', () => {
    const files = ['command.ts', 'prepare.ts'].map((name) => join(root, 'pipeline/cli/run', name));
    const imports = files.flatMap((file) => readSource(file).imports);
    const later = imports.flatMap(({ kind, file }) => (kind === 'late' && file !== undefined ? [file] : []));
    assert.ok(later.some((file) => file.endsWith('plan-input.ts')));
    assert.deepEqual(wayTo(tensorflow, later), undefined);
  });
});
