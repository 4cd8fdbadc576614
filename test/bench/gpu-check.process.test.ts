import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { homedir } from 'node:os';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..', '..');

describe('the GPU report', () => {
  it('describes any machine, as text and as JSON, without private paths', function () {
    if (process.platform === 'win32') this.skip();
    this.timeout(60_000);
    const call = (...parameters: string[]) =>
      spawnSync(join(root, 'scripts', 'gpu-check'), ['--only', 'machine', ...parameters], {
        encoding: 'utf8',
      });
    const text = call();
    assert.equal(text.stderr, '');
    assert.equal(text.status, 0);
    for (const label of [
      'system',
      'processor',
      'GPU',
      'NVIDIA',
      'CUDA',
      'Vulkan',
      'tensorflow',
      'webgpu',
      'obstacle',
    ])
      assert.match(text.stdout, new RegExp(`^${label} +\\S`, 'm'));
    assert.ok(!text.stdout.includes(`${homedir()}/`));
    const report = JSON.parse(call('--json').stdout) as { machine: { label: string; text: string }[] };
    assert.deepEqual(
      report.machine.map(({ label }) => label),
      text.stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/ {2,}| (?=found)/)[0]),
    );
  });

  it('refuses options it does not know', () => {
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', 'bench/gpu-check.ts', '--everything'],
      { cwd: root, encoding: 'utf8' },
    );
    assert.notEqual(status, 0);
    assert.match(stderr, /--everything/);
  });
});
