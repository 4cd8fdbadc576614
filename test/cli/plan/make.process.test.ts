import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeMake } from '../../../pipeline/cli/plan/formats/make.ts';
import { bundle } from '../../support/bundle.ts';
import { job, Rig } from '../../runner/rig.ts';
import { fakeScriptPlan } from './fake-script-plan.ts';

const blocks = ['0', '1', '2'];
const jobs = [
  job('data/all'),
  ...blocks.map((block) => job(`distill/${block}`, { needs: ['data/all'] })),
  job('measure/all', { needs: ['data/all'], wants: blocks.map((block) => `distill/${block}`) }),
  job('profile/latency', { exclusive: true }),
  job('rank/2', { needs: ['distill/2'] }),
];

describe('cli/plan for make', () => {
  let program: Awaited<ReturnType<typeof bundle>>;
  let rig: Rig;
  before(async function () {
    if (spawnSync('make', ['--version']).status !== 0) {
      console.log('      skipped: make is not installed');
      this.skip();
    }
    program = await bundle(fileURLToPath(new URL('../../runner/fake-program.ts', import.meta.url)));
  });
  after(() => (program as typeof program | undefined)?.remove());
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig.dispose());

  const make = (...words: string[]) => {
    const child = spawn('make', words, {
      cwd: rig.folder,
      env: {
        ...process.env,
        FAKE_RUN: JSON.stringify({ runFolder: rig.runFolder, jobs }),
        FAKE_CONTROL: rig.control,
        MAKEFLAGS: '',
      },
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => (output += text));
    }
    const ended = new Promise<{ code: number | null; output: string }>((resolve) =>
      child.once('close', (code) => resolve({ code, output })),
    );
    return { child, ended };
  };

  it('does a run side by side, goes on around what fails and fails in the end, and later does the rest', async () => {
    rig.jobs = jobs;
    const cwd = join(rig.folder, "a user's $HOME # runs");
    mkdirSync(cwd);
    const plan = fakeScriptPlan(jobs, { cwd, runFolder: rig.runFolder, program: [program.file] });
    writeFileSync(join(rig.folder, 'Makefile'), writeMake(plan)[0]!.text);

    rig.behave('distill/2', { failure: 'expected' });
    // Both wait until both are there: they do run at the same time.
    for (const id of ['distill/0', 'distill/1']) rig.behave(id, { waitFor: 'both' });
    const first = make('-j2');
    await rig.until(() => ['distill/0', 'distill/1'].every((id) => rig.started().includes(id)), 60);
    rig.release('both');
    const { code, output } = await first.ended;
    assert.equal(code, 2, output);
    assert.match(output, /\[.*distill\/2\] Error 5 \(ignored\)/);
    assert.match(output, /rank\/2: it needs distill\/2, which is not there/);
    assert.match(
      output,
      /^distill\/2\n(measure\/all\n)?rank\/2$/m,
      'what is not there, or was made without it',
    );
    assert.match(rig.result('measure/all'), /,null\]/);
    const lines = rig.log().filter(({ type }) => type !== 'engine');
    const timing = lines.findIndex((line) => line.job === 'profile/latency');
    assert.deepEqual([lines[timing + 1]?.type, lines[timing + 1]?.job], ['end', 'profile/latency'], 'alone');

    rig.behave('distill/2', {});
    rmSync(rig.logFile);
    const again = await make('-j2', '-k').ended;
    assert.equal(again.code, 0, again.output);
    assert.deepEqual(rig.started(), ['distill/2', 'measure/all', 'rank/2']);
    assert.deepEqual((await rig.run()).fresh, jobs.length);
  }).timeout(90_000);

  it('hands SIGTERM on: jobs save their state, and the same command goes on', async () => {
    rig.jobs = jobs;
    const plan = fakeScriptPlan(jobs, { cwd: rig.folder, runFolder: rig.runFolder, program: [program.file] });
    writeFileSync(join(rig.folder, 'Makefile'), writeMake(plan)[0]!.text);
    rig.behave('distill/0', { waitFor: 'go' });
    const { child, ended } = make('distill/0');
    await rig.until(() => rig.started().includes('distill/0'), 60);
    child.kill('SIGTERM');
    await ended;
    rig.release('go');
    await make('distill/0').ended;
    assert.equal(rig.log().findLast(({ type }) => type === 'start')?.checkpoint, 'step 41');
    assert.deepEqual(rig.started(), ['data/all', 'distill/0', 'distill/0']);
  }).timeout(90_000);
});
