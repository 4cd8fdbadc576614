import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { program } from '../support/program.ts';

/** The command line as a user meets it: a process of its own, its two outputs and its exit code. */
describe('cli/main', () => {
  let cwd: string;
  before(() => {
    cwd = mkdtempSync(join(tmpdir(), 'blockforge-cli-'));
    writeFileSync(join(cwd, 'broken.yaml'), 'teacher: {}\ndata: { source: idx }\nsed: 1\n');
    const architecture =
      '{ imageSize: 8, patchSize: 4, width: 8, depth: 2, heads: 2, hidden: 128, classes: 10 }';
    writeFileSync(
      join(cwd, 'new.yaml'),
      `teacher: { train: { architecture: ${architecture} } }\ndata: { source: shapes }\n`,
    );
  });
  after(() => {
    rmSync(cwd, { recursive: true });
  });

  /** Turns the exit code into 99 where TensorFlow.js was loaded. */
  const watch =
    "data:text/javascript,process.on('exit',()=>{if('_tfengine'in globalThis)process.exitCode=99})";

  const blockforge = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, ['--import', watch, ...program, ...args], {
      cwd,
      encoding: 'utf8',
      env: { PATH: process.env.PATH, HOME: cwd },
    });
    return { status, stdout, stderr };
  };

  it('prints help with commands, groups, examples and exit codes', () => {
    const { status, stdout, stderr } = blockforge('--help');
    assert.equal(stderr, '');
    assert.equal(status, 0);
    for (const part of [
      'npm run pipeline -- --config demo.yaml',
      'blockforge show <library>',
      'What to run:',
      '--set',
      'Examples:',
      'Exit codes:',
    ]) {
      assert.ok(stdout.includes(part), part);
    }
  });

  it('tells a mistyped command from a missing config', () => {
    const command = blockforge('doctr');
    assert.equal(
      command.stderr,
      'error: doctr: neither a command nor a config\n  next: did you mean the command "doctor"?\n',
    );
    assert.equal(command.status, 2);
    const config = blockforge('--config', 'brokn.yaml');
    assert.match(
      config.stderr,
      /^error: brokn\.yaml: no such config in .*\n {2}expected: broken\.yaml, new\.yaml \(in .*\n {2}next: did you mean broken\.yaml\?\n$/,
    );
    assert.equal(config.status, 3);
    assert.equal(config.stdout, '');
  });

  it('names every mistake of a config and exits with 2', () => {
    const { status, stdout, stderr } = blockforge('--config', 'broken.yaml', '--set', 'distill.epoch=3');
    assert.equal(
      stderr,
      [
        'error: broken.yaml: 2 problems',
        '  broken.yaml:3:1 sed: unknown key; did you mean "seed"?',
        '  --set distill.epoch=3, distill.epoch: unknown key here; did you mean distill.duration.epochs?',
        '',
      ].join('\n'),
    );
    assert.equal(status, 2);
    assert.equal(stdout, '');
  });

  it('gives programs an error as one JSON object on stderr', () => {
    const { status, stdout, stderr } = blockforge('broken.yaml', '--seed', '-1', '--json');
    assert.equal(status, 2);
    assert.equal(stdout, '');
    assert.deepEqual(JSON.parse(stderr), {
      type: 'error',
      exitCode: 2,
      reason: 'usage',
      subject: '--seed -1',
      found: 'not a seed',
      expected: 'a whole number from 0 up',
    });
    assert.ok(stderr.endsWith('}\n') && !stderr.trimEnd().includes('\n'));
  });

  it('plans without loading an engine or writing anything', () => {
    const { status, stdout, stderr } = blockforge('new.yaml', '--engine', 'wasm', '--plan', '--json');
    assert.equal(stderr, '');
    assert.equal(status, 0, '99 says that TensorFlow.js was loaded');
    const plan = JSON.parse(stdout) as {
      run: string;
      engine: string;
      jobs: { job: string; state: string }[];
    };
    assert.deepEqual([plan.run, plan.engine], ['new', 'wasm']);
    assert.ok(plan.jobs.some(({ job }) => job === 'distill/shard-0'));
    assert.ok(plan.jobs.every(({ state }) => state === 'missing'));
    assert.deepEqual(readdirSync(cwd).sort(), ['broken.yaml', 'new.yaml']);
  });
});
