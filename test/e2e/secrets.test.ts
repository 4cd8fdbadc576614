import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunSummary } from '../../pipeline/monitor/hook/summary.ts';
import { smallConfig, succeeded, workplace, type Workplace } from './blockforge.ts';

/** What came by the environment, and may be seen nowhere. */
const secret = 'hunter2-of-the-test';

const operation = `
executor: { queue: 'redis://me:\${SECRET}@127.0.0.1:1', store: folder }
monitor:
  prometheus: run.prom
  tensorboard: true
  mlflow: { url: 'http://me:\${SECRET}@127.0.0.1:9' }
onFinish: 'echo \${SECRET} >/dev/null; cat'
`;

describe('a secret by the environment', function () {
  this.timeout(120_000);
  let place: Workplace;
  before(() => {
    place = workplace({ SECRET: secret });
    place.write('run.yaml', smallConfig(operation));
  });
  after(() => place.remove());

  const filesWithIt = (): string[] =>
    readdirSync(place.folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .filter((path) => readFileSync(path).includes(secret));

  it('stands in no plan', async () => {
    const plan = await place.blockforge('run.yaml', '--plan', '--json');
    succeeded(plan);
    assert.ok(!(plan.stdout + plan.stderr).includes(secret));
  });

  it('stands in nothing that a run writes or says, nor do its monitors change how it ends', async () => {
    const { code, stdout, stderr } = await place.blockforge('run.yaml', '--only', 'data', '--json');
    assert.equal(code, 0, stderr);
    assert.ok(!(stdout + stderr).includes(secret));
    assert.match(stderr, /monitor\.mlflow/);
    const hook = JSON.parse(
      readFileSync(join(place.folder, 'runs', 'run', 'on-finish.log'), 'utf8'),
    ) as RunSummary;
    const { run, outcome, exitCode, results } = hook;
    assert.deepEqual(
      { run, outcome, exitCode, results },
      { run: 'run', outcome: 'done', exitCode: 0, results: {} },
    );
    assert.match(
      readFileSync(join(place.folder, 'run.prom'), 'utf8'),
      /run_state\{state="done",run="run"\} 1/,
    );
    assert.deepEqual(filesWithIt(), []);
  });

  it('stands in no message about a setting that is wrong', async () => {
    const set = [
      '--set',
      'monitor.mlflow.url=ftp://me:${SECRET}@h',
      '--set',
      'executor.name=${SECRET} ${SECRET}',
    ];
    const { code, stderr } = await place.blockforge('run.yaml', ...set);
    assert.equal(code, 2);
    assert.match(stderr, /monitor\.mlflow\.url/);
    assert.ok(!stderr.includes(secret), stderr);
  });
});
