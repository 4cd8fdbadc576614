import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { program } from '../support/program.ts';

const architecture = '{ imageSize: 8, patchSize: 4, width: 8, depth: 1, heads: 1, hidden: 128, classes: 10 }';

/** Places and limits that only a process of its own can meet. */
describe('cli in places that cannot be used', () => {
  let cwd: string;
  before(function () {
    if (process.platform !== 'linux') this.skip();
    cwd = mkdtempSync(join(tmpdir(), 'blockforge-places-'));
    writeFileSync(
      join(cwd, 'new.yaml'),
      `teacher: { train: { architecture: ${architecture} } }\ndata: { source: shapes }\n`,
    );
    execFileSync('mkfifo', [join(cwd, 'pipe')]);
  });
  after(() => rmSync(cwd, { recursive: true, force: true }));

  const shell = (line: string, env: Readonly<Record<string, string>> = {}) =>
    spawnSync(
      'bash',
      [
        '-c',
        line.replaceAll('BLOCKFORGE', [process.execPath, ...program].map((word) => `'${word}'`).join(' ')),
      ],
      {
        cwd,
        encoding: 'utf8',
        timeout: 60_000,
        env: { PATH: process.env.PATH, HOME: cwd, ...env },
      },
    );

  it('never waits for a pipe', () => {
    const config = shell('BLOCKFORGE --config ./pipe --plan');
    assert.match(config.stderr, /^error: \.\/pipe: a pipe, a socket or a device\n/);
    assert.equal(config.status, 3);
    writeFileSync(join(cwd, 'extends.yaml'), 'extends: pipe\n');
    assert.match(shell('BLOCKFORGE extends.yaml --plan').stderr, /pipe cannot be read: a pipe, a socket/);
  });

  it('says that its output is full, and ends quietly where nobody reads it', () => {
    const full = shell('BLOCKFORGE --help >/dev/full');
    assert.match(full.stderr, /^error: the output: the disk is full.*\n {2}next: .*> FILE\n$/);
    assert.equal(full.status, 4);
    const head = shell('set -o pipefail; BLOCKFORGE --help | head -1');
    assert.equal(head.stderr, '');
    assert.equal(head.status, 0);
  });

  it('names the folder and --runs where a file may not grow, and leaves nothing half-written', () => {
    const { status, stderr } = shell('ulimit -f 0; BLOCKFORGE new.yaml --engine wasm --only data --runs out');
    assert.match(
      stderr,
      /^error: .*out\/new\/.*larger than this process may write.*\(EFBIG\)\n {2}next: .*--runs DIR\n$/m,
    );
    assert.equal(status, 4);
    assert.deepEqual(
      readdirSync(join(cwd, 'out', 'new')).filter((name) => name.includes('.tmp-')),
      [],
    );
  });

  it('explains options that npm took for its own', () => {
    const env = { npm_lifecycle_event: 'pipeline', npm_package_name: 'blockforge', npm_config_runs: 'true' };
    const { status, stderr } = shell('BLOCKFORGE new.yaml out', env);
    assert.match(stderr, /^error: --runs: npm took it[^]*next: npm run pipeline -- new\.yaml --runs out\n$/);
    assert.equal(status, 2);
  });
});
