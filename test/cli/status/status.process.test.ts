import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { runLooker } from '../../../pipeline/cli/status/look-at-run.ts';
import type { RunStatus } from '../../../pipeline/cli/status/run-status.ts';
import { job, Rig } from '../../runner/rig.ts';
import { present } from '../../support/present.ts';
import { program, starter } from '../../support/program.ts';

describe('status from another process', function () {
  this.timeout(60_000);
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig.dispose());

  const blockforge = (...args: string[]) =>
    spawnSync(process.execPath, [...program, ...args], { cwd: rig.folder, encoding: 'utf8' });

  it('follows a run at work, killed, failed and finished', async () => {
    rig.jobs = [
      job('data/all'),
      job('distill/a', { needs: ['data/all'] }),
      // Behind the other one: which of two that are ready has the one slot is for the runner to say.
      job('distill/b', { needs: ['distill/a'] }),
      job('measure/b', { needs: ['distill/b'] }),
    ];
    rig.behave('distill/a', { waitFor: 'never', progress: 3 });
    const runner = spawn(process.execPath, [starter, doomedRunner], {
      cwd: tmpdir(),
      stdio: 'ignore',
      env: {
        ...process.env,
        FAKE_RUN: JSON.stringify({ runFolder: rig.runFolder, jobs: rig.jobs }),
        FAKE_CONTROL: rig.control,
      },
    });
    const look = runLooker(rig.runFolder);
    const isAtWork = ({ workers }: RunStatus) =>
      workers.some(({ running }) =>
        running.some(({ id, fraction }) => id === 'distill/a' && fraction !== undefined),
      );
    const atWork = await until(look, isAtWork);
    assert.equal(atWork.state, 'running');
    assert.deepEqual(atWork.jobs, { jobs: 4, done: 1, running: 1, failed: 0, blocked: 0, left: 2 });
    assert.deepEqual(
      atWork.stages.map(({ stage, done, running, left }) => [stage, done, running, left]),
      [
        ['data', 1, 0, 0],
        ['distill', 0, 1, 1],
        ['measure', 0, 0, 1],
      ],
    );
    const [driver] = atWork.workers;
    assert.deepEqual([driver?.kind, driver?.slots], ['run', 1]);
    assert.match(present(driver).who, new RegExp(`:${runner.pid}$`));
    assert.ok(present(atWork.secondsLeft) >= 0);

    runner.kill('SIGKILL');
    const killed = await until(look, ({ state }) => state !== 'running');
    assert.equal(killed.state, 'nobody');
    assert.ok(killed.disk.usedBytes > 0);
    assert.deepEqual(
      killed.lost.map(({ running }) => running.map(({ id }) => id)),
      [['distill/a']],
    );
    const said = blockforge('status', 'fake', '--check');
    assert.equal(said.status, 75, said.stderr);
    assert.match(said.stdout, /^fake: work is left, and nobody is at work, 1 of 4 jobs done/);
    assert.match(said.stdout, /Gone without a word\n {2}run .*was at distill\/a/);

    rig.behave('distill/a', {});
    rig.behave('distill/b', { failure: 'expected' });
    await rig.run();
    const failed = await look();
    assert.equal(failed.state, 'failed');
    assert.deepEqual(failed.jobs, { jobs: 4, done: 2, running: 0, failed: 1, blocked: 1, left: 0 });
    assert.deepEqual([failed.failures.map((entry) => entry.job), failed.lost], [['distill/b'], []]);

    rig.behave('distill/b', {});
    await rig.run();
    const json = blockforge('status', rig.runFolder, '--json', '--check', '--watch');
    assert.equal(json.status, 0, json.stderr);
    const finished = JSON.parse(json.stdout) as RunStatus;
    assert.deepEqual([finished.state, finished.jobs.done, finished.failures.length], ['finished', 4, 0]);
  });

  it('says of a folder that is none that no run was started there, and of a mistyped one what is near', async () => {
    rig.jobs = [job('data/all')];
    await rig.run();
    const none = blockforge('status', rig.control, '--json');
    assert.equal(none.status, 3);
    assert.match(none.stderr, /no run was ever started there/);
    const mistyped = blockforge('status', 'fak');
    assert.match(mistyped.stderr, /fak: no such run\n.*\n.*did you mean "fake"\?/);
  });
});

const doomedRunner = fileURLToPath(new URL(join('..', '..', 'runner', 'doomed-runner.ts'), import.meta.url));

async function until(
  look: () => Promise<RunStatus>,
  condition: (status: RunStatus) => boolean,
): Promise<RunStatus> {
  const end = Date.now() + 40_000;
  for (;;) {
    const status = await look();
    if (condition(status)) return status;
    await sleep(50);
    if (Date.now() > end) throw new Error(`in vain: ${JSON.stringify(status)}`);
  }
}
