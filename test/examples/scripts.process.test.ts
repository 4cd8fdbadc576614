import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { commandOf, exampleFiles, examples, readExample } from './files.ts';
import { isInstalled } from './stub.ts';

const scripts = exampleFiles.filter((path) => readExample(path).startsWith('#!'));

describe('the scripts of the examples', () => {
  it('are bash, and may be started', () => {
    assert.ok(scripts.length >= 2);
    for (const path of scripts) {
      const { status, stderr } = spawnSync('bash', ['-n', join(examples, path)], { encoding: 'utf8' });
      assert.equal(status, 0, stderr);
      if (path.endsWith('.sh')) assert.ok(statSync(join(examples, path)).mode & 0o100, path);
    }
  });

  it('give shellcheck nothing to say', function () {
    if (!isInstalled('shellcheck')) this.skip(); // apt-get install shellcheck
    const all = scripts.map((path) => join(examples, path));
    const { status, stdout } = spawnSync('shellcheck', all, { encoding: 'utf8' });
    assert.equal(status, 0, stdout);
  });
});

describe('the systemd example', () => {
  const service = readExample('systemd/blockforge@.service');

  it('starts a command that there is, stopped in time by --stop-after, and takes 75 for a success', () => {
    const [, line = ''] = /^ExecStart=(.*)$/m.exec(service) ?? [];
    const [node, start, main, ...words] = line.replaceAll('%i', 'demo').split(' ');
    assert.deepEqual(
      [node, start, main],
      ['/usr/bin/node', '/opt/blockforge/scripts/start.js', '/opt/blockforge/pipeline/cli/main.ts'],
    );
    assert.equal(commandOf(words), 'run');
    assert.ok(words.includes('--stop-after'));
    assert.match(service, /^SuccessExitStatus=75$/m);
  });

  it('has units that systemd understands, and a mistake in them would be told', function () {
    if (!isInstalled('systemd-analyze')) this.skip(); // A system without systemd.
    const folder = mkdtempSync(join(tmpdir(), 'blockforge-units-'));
    const verify = (text: string) => {
      const unit = join(folder, 'blockforge@demo.service');
      const timer = join(folder, 'blockforge@demo.timer');
      writeFileSync(unit, text.replace('/usr/bin/node', process.execPath));
      writeFileSync(timer, readExample('systemd/blockforge@.timer'));
      const { status, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', unit, timer], {
        encoding: 'utf8',
        env: { ...process.env, LC_ALL: 'C' },
      });
      // It looks at what it finds of other units, too, which are not ours.
      return { status, told: stderr.split('\n').filter((line) => line.includes('blockforge@')) };
    };
    try {
      assert.deepEqual(verify(service).told, []);
      const mistaken = verify(service.replace('KillMode=mixed', 'KillMood=mixed'));
      assert.match(mistaken.told.join('\n'), /KillMood/);
      const absent = verify(service.replace('/usr/bin/node', '/usr/bin/nodd'));
      assert.match(absent.told.join('\n'), /nodd/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
