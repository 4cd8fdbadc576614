import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { writeSlurm } from '../../../pipeline/cli/plan/formats/slurm.ts';
import { bundle } from '../../support/bundle.ts';
import { present } from '../../support/present.ts';
import { job, Rig } from '../../runner/rig.ts';
import { fakeScriptPlan } from './fake-script-plan.ts';
import { realSlurm, whyNoSlurm } from './real-slurm.ts';
import { stubSlurm, type Slurm } from './stub-slurm.ts';

const blocks = ['0', '1', '2'];
const jobs = [
  job('data/all'),
  ...blocks.map((block) => job(`refit/${block}`, { needs: ['data/all'] })),
  ...blocks.map((block) => job(`distill/${block}`, { needs: [`refit/${block}`] })),
  job('measure/all', { needs: ['data/all'], wants: blocks.map((block) => `distill/${block}`) }),
  job('rank/all', { needs: ['measure/all'] }),
];

const kinds: readonly [
  string,
  string | undefined,
  (folder: string, env: NodeJS.ProcessEnv) => Slurm | Promise<Slurm>,
][] = [
  ['a stub', undefined, stubSlurm],
  ['Slurm itself', whyNoSlurm(), realSlurm],
];

for (const [name, whyNot, start] of kinds) {
  describe(`cli/plan for Slurm, through ${name}`, () => {
    let program: Awaited<ReturnType<typeof bundle>>;
    let rig: Rig;
    let folder: string;
    let slurm: Slurm | undefined;
    before(async function () {
      // Printed as a reason: `skip` takes none.
      if (whyNot !== undefined) {
        console.log(`      skipped: ${whyNot}`);
        this.skip();
      }
      program = await bundle(fileURLToPath(new URL('../../runner/fake-program.ts', import.meta.url)));
    });
    after(() => (program as typeof program | undefined)?.remove());
    beforeEach(() => {
      rig = new Rig();
      folder = mkdtempSync(join(tmpdir(), 'blockforge-slurm-'));
      chmodSync(folder, 0o755);
    });
    afterEach(() => {
      slurm?.stop();
      slurm = undefined;
      rig.dispose();
      rmSync(folder, { recursive: true, force: true });
    });

    it('does a run in arrays: one task fails, one is out of time and goes on, and once more the rest', async () => {
      rig.jobs = jobs;
      const cwd = join(rig.folder, "a user's runs");
      execFileSync('mkdir', [cwd]);
      slurm = await start(folder, {
        FAKE_RUN: JSON.stringify({ runFolder: rig.runFolder, jobs }),
        FAKE_CONTROL: rig.control,
      });
      const options = { arrayLimit: 2, options: ['--comment=for the tests'] };
      const [file] = writeSlurm(
        fakeScriptPlan(jobs, { cwd, runFolder: rig.runFolder, program: [program.file], options }),
      );
      const script = join(cwd, 'submit.sh');
      writeFileSync(script, present(file).text);
      execFileSync('bash', ['-n', script]);
      const submit = () =>
        execFileSync('bash', [script], { cwd: '/', env: slurm?.environment, encoding: 'utf8' });

      rig.behave('refit/2', { failure: 'expected' });
      rig.behave('distill/1', { waitFor: 'go' });
      assert.match(submit(), /^submitted: \d+( \d+){6}\n$/);
      const ended = slurm.finish();
      await rig.until(() => rig.started().includes('distill/1'), 60);
      slurm.signal('distill.0', 1);
      await rig.until(() => rig.log().some((line) => line.checkpoint === 'step 41'), 60);
      rig.release('go');
      await ended;
      assert.ok(!rig.started().includes('distill/2'), 'its refit failed');
      assert.ok(existsSync(join(rig.runFolder, 'rank/all/done.json')), 'the rest went on without it');
      assert.match(rig.result('measure/all'), /,null\]/);

      rig.behave('refit/2', {});
      rmSync(rig.logFile);
      submit();
      await slurm.finish();
      assert.deepEqual(rig.started(), ['distill/2', 'measure/all', 'rank/all', 'refit/2']);
      assert.doesNotMatch(rig.result('measure/all'), /,null\]/);
      const { ran, fresh } = await rig.run();
      assert.deepEqual([ran, fresh], [0, jobs.length]);
    }).timeout(120_000);

    it('says at once that the jobs are others now than those that were written down', async function () {
      if (name !== 'a stub') this.skip();
      const env = {
        ...process.env,
        FAKE_RUN: JSON.stringify({ runFolder: rig.runFolder, jobs: jobs.slice(0, 3) }),
      };
      const { planId } = fakeScriptPlan(jobs);
      const words = [
        'run-job',
        '--engine',
        'wasm',
        '--group',
        'refit.0',
        '--index',
        '2',
        '--plan-id',
        planId,
      ];
      const child = spawn(process.execPath, [program.file, ...words], {
        env,
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let text = '';
      child.stderr.setEncoding('utf8').on('data', (part: string) => (text += part));
      assert.equal(await new Promise((resolve) => child.once('close', resolve)), 2);
      assert.match(text, /an index would mean another job/);
    });
  });
}

describe('a task that cli/plan wrote for Slurm', () => {
  it('waits for the state where it is cancelled, hands no second signal on, and stays away', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'blockforge-slurm-'));
    const put = (name: string, text: string) =>
      writeFileSync(join(folder, name), `#!/usr/bin/env bash\n${text}\n`, { mode: 0o755 });
    const has = (name: string) => existsSync(join(folder, name));
    try {
      put('sbatch', `cat >'${folder}/task'; echo 1`);
      put('scontrol', `touch '${folder}/requeued'`);
      // Slurm sends TERM to each process by itself: here it is USR2, so that a TERM that was handed on is told from it.
      put(
        'job',
        `cd '${folder}'; trap 'touch second' TERM; trap 'stopped=yes' USR2
echo $$ >at-work.new; mv at-work.new at-work; until [ "$stopped" ]; do sleep 0.05; done; sleep 0.3; exit 75`,
      );
      const env = { ...process.env, PATH: `${folder}:${process.env.PATH ?? ''}`, SLURM_ARRAY_TASK_ID: '0' };
      const parts = { cwd: folder, runFolder: folder, node: '/bin/bash', program: [join(folder, 'job')] };
      const [file] = writeSlurm(fakeScriptPlan(jobs.slice(0, 1), parts));
      execFileSync('bash', ['-c', present(file).text], { env });
      const task = spawn('bash', [join(folder, 'task')], { env, stdio: 'ignore' });
      const ended = new Promise((resolve) => task.once('close', resolve));
      while (!has('at-work')) await sleep(20);
      task.kill('SIGTERM');
      process.kill(Number(readFileSync(join(folder, 'at-work'), 'utf8')), 'SIGUSR2');
      assert.equal(await ended, 75);
      assert.deepEqual([has('second'), has('requeued')], [false, false]);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
