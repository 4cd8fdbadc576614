import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../examples/files.ts';
import { makeStubs } from '../examples/stub.ts';
import { smallConfig } from './blockforge.ts';

/** The example for a whole run in Slurm, with a `scontrol` that writes down what it is asked for. */
describe('a run in Slurm whose time is over again and again', () => {
  it('queues again each time, goes on, and ends with its library', async function () {
    this.timeout(300_000);
    const stubs = makeStubs();
    try {
      stubs.put('scontrol', '');
      const config = join(stubs.folder, 'small.yaml');
      writeFileSync(config, smallConfig());
      const runs = join(stubs.folder, 'runs');
      const environment = {
        CONFIG: config,
        RUNS: runs,
        SLURM_JOB_ID: '42',
        BLOCKFORGE_HOME: root,
        BLOCKFORGE_CACHE: join(stubs.folder, 'cache'),
      };
      for (const round of [1, 2]) {
        const job = stubs.start('slurm/pipeline.sbatch', [], environment);
        let code: number | null | undefined;
        void job.ended.then((end) => (code = end.code));
        while (!/job-finished|^done /m.test(job.said()) && code === undefined) await sleep(20);
        job.kill('SIGUSR1');
        const { stdout, stderr } = await job.ended;
        assert.equal(code, 75, stdout.slice(-2000) + stderr);
        assert.equal(stubs.calls('scontrol').length, round);
      }
      const { code, stderr } = await stubs.start('slurm/pipeline.sbatch', [], environment).ended;
      assert.equal(code, 0, stderr);
      assert.equal(stubs.calls('scontrol').length, 2, 'what is done does not queue again');
      assert.ok(existsSync(join(runs, 'small', 'library', 'manifest.json')));
    } finally {
      stubs.remove();
    }
  });
});
