import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DoneRecord } from '../../pipeline/runner/publish.ts';
import { previewRun, type RunOutcome } from '../../pipeline/runner/run.ts';
import { BlockForgeError } from '../../pipeline/util/failure.ts';
import { job, Rig } from './rig.ts';
import { present } from '../support/present.ts';
import { starter } from '../support/program.ts';

/** Runs of fake stages in real child processes (about half a second each), so the steps share their runs. */
describe('runs one after the other', () => {
  const chain = (ridge: number) => [
    job('data/all'),
    job('order/a', { needs: ['data/all'] }),
    job('order/b', { needs: ['data/all'], settings: { ridge } }),
    job('rank/all', { needs: ['order/a', 'order/b'] }),
  ];
  let rig: Rig;
  before(() => {
    rig = new Rig();
    rig.jobs = chain(1);
    rig.behave('order/a', { warning: 'training did not beat the refit', progress: 200 });
  });
  after(() => rig.dispose());

  describe('the first', () => {
    let outcome: RunOutcome;
    before(async () => {
      outcome = await rig.run();
    });

    it('does every job once', () => {
      const { ran, fresh, failed, blocked, interrupted } = outcome;
      assert.deepEqual([ran, fresh, failed, blocked, interrupted], [4, 0, 0, 0, false]);
      assert.deepEqual(rig.started(), ['data/all', 'order/a', 'order/b', 'rank/all']);
    });

    it('does them in one process, which loads the engine once and only when a stage needs it', () => {
      assert.equal(new Set(rig.log().map(({ pid }) => pid)).size, 1, 'one process for all jobs of a slot');
      assert.equal(rig.log().filter(({ type }) => type === 'engine').length, 1, 'the engine is loaded once');
      assert.equal(rig.log()[0]!.job, 'data/all', 'and only when a stage needs it');
    });

    it('gives a job the published folders of its inputs', () => {
      assert.match(rig.result('rank/all'), /ridge\\":1/);
    });

    it('thins the progress out, and tells memory and tensors with it', () => {
      const progress = rig.events.filter(({ type }) => type === 'job-progress');
      assert.ok(progress.length >= 1 && progress.length < 10, `200 calls became ${progress.length} events`);
      assert.equal(rig.event('job-progress').tensors, 7);
      assert.ok(rig.event('job-progress').rssBytes > 1e6);
    });

    it('records warnings, outputs and engine beside the outputs, and leaves no temporary folder', () => {
      const done = JSON.parse(readFileSync(join(rig.runFolder, 'order/a/done.json'), 'utf8')) as DoneRecord;
      assert.deepEqual(done.warnings, ['training did not beat the refit']);
      assert.deepEqual(
        done.outputs.map(({ path }) => path),
        ['deep/result.txt', 'half.txt'],
      );
      assert.equal(done.engine, 'Fake 1.0');
      assert.equal(rig.event('job-finished', 'order/a').outputs, done.outputsSha256);
      assert.deepEqual(readdirSync(join(rig.runFolder, 'order')).sort(), ['a', 'b']);
    });
  });

  describe('the second', () => {
    it('does nothing', async () => {
      const second = await rig.run();
      assert.deepEqual([second.ran, second.fresh], [0, 4]);
      assert.deepEqual(rig.started(), []);
    });
  });

  describe('the third, after a changed setting and an output edited by hand', () => {
    before(() => {
      rig.jobs = chain(2);
      writeFileSync(join(rig.runFolder, 'order/a/half.txt'), 'by hand');
    });

    it('is told beforehand, with the reasons', async () => {
      const rows = await previewRun(rig.options());
      assert.deepEqual(
        rows.map(({ job: id, state, why }) => `${id} ${state}: ${why}`),
        [
          'data/all fresh: up to date',
          'order/a stale: its output half.txt was changed',
          'order/b stale: setting changed: ridge 1 -> 2',
          'rank/all may-run: only if order/a writes something else',
        ],
      );
    });

    it('does those jobs, and the readers of what came out differently', async () => {
      await rig.run();
      assert.deepEqual(rig.started(), ['order/a', 'order/b', 'rank/all']);
      assert.match(rig.result('rank/all'), /ridge\\":2/);
    });
  });

  describe('the fourth and the fifth', () => {
    it('leave the readers of a job fresh that ran again and wrote the same', async () => {
      rmSync(join(rig.runFolder, 'order/a/half.txt'));
      await rig.run();
      assert.deepEqual(rig.started(), ['order/a']);
    });

    it('do a job again that crashed between its renaming and its record, and what --from names', async () => {
      rmSync(join(rig.runFolder, 'order/b/done.json'));
      const restarted = await rig.run(1, {
        from: 'rank',
        executor: rig.executor({ slots: 1, recycleBytes: -1e12 }),
      });
      assert.deepEqual(rig.started(), ['order/b', 'rank/all']);
      assert.equal(restarted.fresh, 2);
      assert.equal(
        new Set(rig.log().map(({ pid }) => pid)).size,
        2,
        'a process over its memory limit is replaced',
      );
    });

    it('are in one log of events with those before', () => {
      const logged = readFileSync(join(rig.runFolder, 'events.jsonl'), 'utf8').trim().split('\n');
      const types = logged.map((line) => (JSON.parse(line) as { type: string; time: string }).type);
      assert.equal(types.filter((type) => type === 'run-finished').length, 5);
      assert.equal(types.filter((type) => type === 'job-skipped').length, 4 + 1 + 3 + 2);
    });
  });
});

describe('run', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig.dispose());

  it('keeps going around failures, and says what happened', async () => {
    rig.jobs = [
      job('distill/expected'),
      job('distill/bug'),
      job('distill/full'),
      job('distill/escaped'),
      job('distill/killed'),
      job('distill/undeclared'),
      job('distill/good'),
      job('measure/needs-bad', { needs: ['distill/good', 'distill/bug'] }),
      job('measure/needs-good', { needs: ['distill/good'] }),
      job('rank/wants', { needs: ['measure/needs-good'], wants: ['distill/good', 'distill/killed'] }),
      job('report/all', { needs: ['measure/needs-bad'] }),
    ];
    rig.behave('distill/expected', { failure: 'expected' });
    rig.behave('distill/bug', { failure: 'bug' });
    rig.behave('distill/full', { failure: 'full-disk' });
    rig.behave('distill/escaped', { failure: 'escaped' });
    rig.behave('distill/killed', { die: 'SIGKILL', progress: 1 });
    rig.behave('distill/undeclared', { reads: 'distill/good' });
    const outcome = await rig.run(2);
    assert.deepEqual([outcome.ran, outcome.failed, outcome.blocked], [3, 6, 2]);
    const failures = new Map(outcome.failures.map((failure) => [failure.job, failure]));
    assert.deepEqual(failures.get('distill/expected')?.failure, {
      reason: 'not-finite',
      subject: 'distill/expected',
      found: 'loss is NaN',
      next: 'use a smaller learning rate',
    });
    assert.equal(failures.get('distill/expected')?.stack, undefined);
    assert.equal(failures.get('distill/bug')?.failure.found, 'x is not a function');
    assert.match(failures.get('distill/bug')?.stack ?? '', /TypeError[^]*fake-stages\.ts/);
    assert.equal(failures.get('distill/full')?.failure.reason, 'out-of-space');
    assert.equal(failures.get('distill/escaped')?.failure.found, 'thrown where nobody waits');
    const killed = failures.get('distill/killed')?.failure;
    assert.match(killed?.found ?? '', /its process died \(SIGKILL\) after .* last used .* MB of memory/);
    assert.match(failures.get('distill/undeclared')?.failure.found ?? '', /without declaring it/);
    assert.deepEqual(rig.event('job-blocked', 'measure/needs-bad').by, ['distill/bug']);
    assert.deepEqual(rig.event('job-blocked', 'report/all').by, ['measure/needs-bad']);
    assert.match(rig.result('rank/wants'), /,null\]/, 'a failed want is absent, not fatal');
    assert.match(rig.event('job-warning', 'rank/wants').message, /goes on without distill\/killed/);
    assert.deepEqual(readdirSync(join(rig.runFolder, 'distill')), ['good'], 'nothing half-written stays');

    // Once the wanted job succeeds, what went on without it is stale; the others stay as they are.
    rig.jobs = rig.jobs.filter(({ id }) => ['distill', 'measure', 'rank'].includes(id.split('/')[0]!));
    for (const { id } of rig.jobs) rig.behave(id, {});
    rig.behave('distill/bug', { failure: 'bug' });
    const again = await rig.run(1);
    assert.deepEqual([again.ran, again.fresh, again.failed, again.blocked], [6, 2, 1, 1]);
    assert.doesNotMatch(rig.result('rank/wants'), /,null\]/);
  });

  it('is interrupted with a checkpoint, and goes on from it', async () => {
    rig.jobs = [
      job('distill/polite', { settings: { epochs: 3 } }),
      job('distill/deaf'),
      // Not ready while the others run: which of two ready jobs starts first is nobody's promise.
      job('distill/later', { needs: ['distill/deaf'] }),
      job('measure/all', { needs: ['distill/polite'] }),
    ];
    rig.behave('distill/polite', { waitFor: 'go' });
    rig.behave('distill/deaf', { waitFor: 'go', deaf: true });
    const abort = new AbortController();
    const running = rig.run(2, { signal: abort.signal, graceMs: 300 });
    await rig.until(() => rig.started().length === 2);

    await assert.rejects(rig.run(2), (error: BlockForgeError) => {
      assert.equal(error.failure.reason, 'run-locked');
      assert.match(error.failure.found, new RegExp(`process ${process.pid} on .* since 20`));
      return true;
    });
    rig.events = [];
    abort.abort();
    const outcome = await running;
    assert.equal(outcome.interrupted, true);
    assert.deepEqual([outcome.ran, outcome.failed, outcome.blocked], [0, 0, 0]);
    const interrupted = rig.events.flatMap((event) => (event.type === 'job-interrupted' ? [event.job] : []));
    assert.deepEqual(interrupted.sort(), ['distill/deaf', 'distill/polite'], 'only what had started');
    const states = (await previewRun(rig.options())).map(({ job: id, state }) => `${id} ${state}`);
    assert.deepEqual(states, [
      'distill/polite resumable',
      'distill/deaf missing',
      'distill/later missing',
      'measure/all missing',
    ]);

    rig.release('go');
    const resumed = await rig.run(1);
    assert.equal(resumed.ran, 4);
    assert.equal(rig.event('job-started', 'distill/polite').resumed, true);
    assert.equal(rig.event('job-started', 'distill/deaf').resumed, false);
    assert.equal(rig.log().find(({ job: id }) => id === 'distill/polite')?.checkpoint, 'step 41');
    assert.deepEqual(readdirSync(join(rig.runFolder, '.resume/distill')), [], 'checkpoints go after success');
  });

  it('does not start what waits for a slot when it is interrupted', async () => {
    rig.jobs = ['a', 'b', 'c'].map((name) => job(`distill/${name}`));
    for (const { id } of rig.jobs) rig.behave(id, { waitFor: 'go' });
    const abort = new AbortController();
    const running = rig.run(1, { signal: abort.signal });
    await rig.until(() => rig.started().length === 1);
    abort.abort();
    const outcome = await running;
    assert.deepEqual([outcome.ran, outcome.failed, outcome.blocked], [0, 0, 0]);
    const [started] = rig.started();
    assert.equal(rig.started().length, 1);
    const states = (await previewRun(rig.options())).map(({ job: id, state }) => [id, state]);
    assert.deepEqual(
      states,
      rig.jobs.map(({ id }) => [id, id === started ? 'resumable' : 'missing']),
    );
  });

  it('stops at once when asked twice', async () => {
    rig.jobs = [job('distill/deaf')];
    rig.behave('distill/deaf', { waitFor: 'never', deaf: true });
    const polite = new AbortController();
    const now = new AbortController();
    const running = rig.run(1, { signal: polite.signal, killSignal: now.signal });
    await rig.until(() => rig.started().length === 1);
    polite.abort();
    now.abort();
    const outcome = await running;
    assert.equal(outcome.interrupted, true);
    assert.ok(outcome.seconds < 20, 'no grace');
    assert.ok(!isAlive(rig.log()[0]!.pid));
  });

  it('recovers from a runner that was killed', async () => {
    rig.jobs = [job('data/all'), job('distill/a', { needs: ['data/all'] })];
    rig.behave('distill/a', { waitFor: 'never' });
    const runner = spawn(process.execPath, [starter, doomedRunner], {
      cwd: tmpdir(),
      env: {
        ...process.env,
        FAKE_RUN: JSON.stringify({ runFolder: rig.runFolder, jobs: rig.jobs }),
        FAKE_CONTROL: rig.control,
      },
    });
    await rig.until(() => rig.started().includes('distill/a'));
    runner.kill('SIGKILL');
    const orphan = present(rig.log().find(({ job: id }) => id === 'distill/a')).pid;
    await rig.until(() => !isAlive(orphan));
    assert.equal(readdirSync(join(rig.runFolder, 'distill')).length, 1, 'a temporary folder was left behind');

    rig.behave('distill/a', {});
    const outcome = await rig.run(1, { only: 'distill' });
    assert.deepEqual([outcome.ran, outcome.fresh], [1, 0]);
    assert.deepEqual(readdirSync(join(rig.runFolder, 'distill')), ['a']);
  });

  it('gives slots their environment, starts no more than needed, and leaves exclusive jobs alone', async () => {
    rig.jobs = [
      job('order/a'),
      job('order/b'),
      job('profile/a', { exclusive: true }),
      job('profile/b', { exclusive: true, needs: ['order/a'] }),
      job('export/all', { needs: ['profile/a'], folder: 'library' }),
      job('report/all', { needs: ['export/all'] }),
    ];
    // Both jobs wait until both have started: they do run at the same time.
    rig.behave('order/a', { waitFor: 'both' });
    rig.behave('order/b', { waitFor: 'both' });
    const running = rig.run(4);
    await rig.until(() => rig.started().length === 2);
    assert.deepEqual(rig.started(), ['order/a', 'order/b']);
    rig.release('both');
    assert.equal((await running).ran, 6);
    assert.deepEqual(
      readdirSync(join(rig.runFolder, 'library')).sort(),
      ['deep', 'half.txt'],
      'no record inside',
    );
    assert.match(rig.result('report/all'), /profile|settings/, 'readers find it there');
    const open = new Set<string>();
    for (const { type, job: id } of rig.log()) {
      if (type === 'end') open.delete(present(id));
      if (type !== 'start') continue;
      assert.ok(
        ![...open, present(id)].some((other) => other.startsWith('profile')) || open.size === 0,
        `${id} is alone`,
      );
      open.add(present(id));
    }
    const lines = rig.log().filter(({ type }) => type === 'start');
    assert.deepEqual(
      [...new Set(lines.map(({ slot }) => slot))].sort(),
      ['0', '1'],
      'two of four slots used',
    );
    assert.equal(new Set(lines.map(({ pid }) => pid)).size, 2);
    rmSync(join(rig.runFolder, 'library/half.txt'));
    const states = (await previewRun(rig.options())).filter(({ state }) => state !== 'fresh');
    assert.deepEqual(
      states.map(({ why }) => why),
      ['its output half.txt is gone', 'only if export/all writes something else'],
    );
  });

  it('refuses before any work what cannot work', async () => {
    rig.jobs = [
      job('order/a', { settings: 1 }),
      job('measure/all', { needs: ['order/a'], files: [join(rig.folder, 'weights')] }),
    ];
    const refusal = async (options: Parameters<Rig['run']>[1]) => {
      const error: unknown = await rig.run(1, options).catch((thrown: unknown) => thrown);
      assert.ok(error instanceof BlockForgeError, String(error));
      return error.failure;
    };
    assert.equal((await refusal({})).reason, 'file-missing');
    writeFileSync(join(rig.folder, 'weights'), 'weights');
    const only = await refusal({ only: 'measure' });
    assert.equal(only.reason, 'usage');
    assert.match(only.found, /measure\/all needs order\/a, .*missing/);
    assert.match(present(only.next), /--only order/);
    assert.equal((await refusal({ only: 'teacher' })).reason, 'usage');
    const machine = { freeDiskBytes: () => Promise.resolve(10), memoryBytes: () => 1e9 };
    assert.equal((await refusal({ machine })).reason, 'out-of-space');
    assert.deepEqual(rig.log(), []);
    assert.ok(!existsSync(join(rig.runFolder, '.lock')), 'the lock is given back');
  });
});

const doomedRunner = fileURLToPath(new URL('./doomed-runner.ts', import.meta.url));

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie still has a number until its parent, here possibly nobody, collects it.
    return !/^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
