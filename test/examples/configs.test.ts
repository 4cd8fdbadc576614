import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadConfig } from '../../pipeline/config/load.ts';
import { methods } from '../../pipeline/stages/methods.ts';
import { exampleFiles, examples, readYaml, root } from './files.ts';

describe('the configs of the examples', () => {
  const load = (path: string) =>
    loadConfig(path, methods, { cwd: root, env: { BLOCKFORGE_QUEUE: 'redis://queue' } });

  it('say what a config may say', () => {
    const files = exampleFiles.filter((path) => /^[^/]+\.yaml$/.test(path));
    assert.deepEqual(
      files.map((path) => load(join(examples, path)).name),
      ['nightly'],
    );
  });

  it('are such in the objects of Kubernetes, too', () => {
    const folder = mkdtempSync(join(tmpdir(), 'blockforge-configs-'));
    try {
      const names = (readYaml('kubernetes/storage.yaml') as ConfigMap[]).flatMap(({ kind, data = {} }) =>
        kind !== 'ConfigMap'
          ? []
          : Object.entries(data).map(([name, text]) => {
              writeFileSync(join(folder, name), text.replaceAll('/opt/blockforge/', `${root}/`));
              return load(join(folder, name)).name;
            }),
      );
      assert.deepEqual(names, ['nightly', 'queued']);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

interface ConfigMap {
  readonly kind: string;
  readonly data?: Readonly<Record<string, string>>;
}
