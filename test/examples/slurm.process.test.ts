import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { commandOf, root } from './files.ts';
import { makeStubs, type Stubs } from './stub.ts';

/** In place of a run at work: its process id lies in a file. */
const atWork = 'echo $$ >at-work.new; mv at-work.new at-work; while :; do sleep 0.05; done';

/** Stops with work left when it is asked to, after a moment, as one that saves its state. */
const savesAndStops = (signal: string) => `trap 'sleep 0.3; exit 75' ${signal}; ${atWork}`;

describe('the Slurm example of a whole run', () => {
  let stubs: Stubs;
  beforeEach(() => {
    stubs = makeStubs();
    stubs.put('scontrol', '');
  });
  afterEach(() => stubs.remove());

  const start = () =>
    stubs.start('slurm/pipeline.sbatch', [], {
      CONFIG: 'demo.yaml',
      RUNS: 'runs',
      SLURM_JOB_ID: '42',
      BLOCKFORGE_HOME: '/opt/blockforge',
    });

  it('runs a command that there is, and ends as the run does', async () => {
    for (const code of [0, 5]) {
      stubs.put('node', `exit ${code}`);
      assert.equal((await start().ended).code, code);
    }
    const [words = []] = stubs.calls('node');
    assert.deepEqual(words[1], '/opt/blockforge/pipeline/cli/main.ts');
    assert.equal(commandOf(words.slice(2)), 'run');
    assert.deepEqual(stubs.calls('scontrol'), []);
  });

  it('hands SIGUSR1 on, waits for the state, and queues again', async () => {
    stubs.put('node', savesAndStops('USR1'));
    const job = start();
    while (!stubs.exists('at-work')) await sleep(20);
    job.kill('SIGUSR1');
    assert.equal((await job.ended).code, 75);
    assert.deepEqual(stubs.calls('scontrol'), [['requeue', '42']]);
  });

  it('waits for the state where it is cancelled, hands no second signal on, and stays away', async () => {
    // No trap ends it: bash lets those that come meanwhile wait for ever.
    const atWorkUntilStopped = atWork.replace('while :;', 'until [ "$stopped" ];');
    stubs.put(
      'node',
      `trap 'touch second' TERM; trap 'stopped=yes' USR2; ${atWorkUntilStopped}; sleep 0.3; exit 75`,
    );
    const job = start();
    while (!stubs.exists('at-work')) await sleep(20);
    job.kill('SIGTERM');
    // What Slurm sends to all processes: here to the run by hand, and as another one.
    process.kill(Number(readFileSync(join(stubs.folder, 'at-work'), 'utf8')), 'SIGUSR2');
    assert.equal((await job.ended).code, 75);
    assert.ok(!stubs.exists('second'));
    assert.deepEqual(stubs.calls('scontrol'), []);
  });
});

describe('the Slurm example of arrays', () => {
  it('submits the jobs of a run as arrays behind what they need', async function () {
    this.timeout(120_000); // Plans for real, which may have to compile first.
    const stubs = makeStubs();
    try {
      stubs.put('sbatch', 'cat >task.sh; echo x >>submitted; wc -l <submitted');
      const environment = { BLOCKFORGE_HOME: root, RUNS: join(stubs.folder, 'runs') };
      const { code, stderr } = await stubs.start('slurm/array.sh', ['demo.yaml', 'scripts'], environment)
        .ended;
      assert.equal(code, 0, stderr);
      const calls = stubs.calls('sbatch').map((words) => words.join(' '));
      assert.ok(calls.length > 5, `${calls.length} arrays`);
      for (const call of calls) assert.match(call, /--array=0-\d+%16 .*--partition=gpu/);
      assert.match(calls.at(-1) ?? '', /--dependency=\w+:\d+/);
      const task = readFileSync(join(stubs.folder, 'task.sh'), 'utf8').replaceAll('\\\n', ' ');
      const line = /(run-job .*) &$/m.exec(task)?.[1] ?? '';
      const words = line.replace(/"\$group"/, 'rank.0').replace(/"\$\(\(.*?\)\)"/, '0');
      assert.equal(commandOf(words.split(/\s+/)), 'run-job');
    } finally {
      stubs.remove();
    }
  });
});
