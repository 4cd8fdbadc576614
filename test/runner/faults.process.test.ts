import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { cpuSecondsByPs, cpuSecondsOf, watchLife } from '../../pipeline/runner/local/signs-of-life.ts';
import { job, Rig } from './rig.ts';

const soon = { times: 2, waitSeconds: 0.05 };

describe('what may pass', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig.dispose());

  const retried = () => rig.events.filter((event) => event.type === 'job-retried');

  it('is tried again, from the checkpoint, in a fresh folder; what stays is not', async () => {
    rig.jobs = [
      job('distill/killed'),
      job('distill/hiccup'),
      job('distill/nan'),
      job('distill/bug'),
      job('rank/all', { needs: ['distill/killed', 'distill/hiccup'] }),
    ];
    rig.behave('distill/killed', { die: 'SIGKILL', tries: 1, checkpoint: true });
    rig.behave('distill/hiccup', { failure: 'hiccup', tries: 2 });
    rig.behave('distill/nan', { failure: 'expected' });
    rig.behave('distill/bug', { failure: 'bug' });
    const outcome = await rig.run(2, { retries: soon });
    assert.deepEqual([outcome.ran, outcome.failed, outcome.retried], [3, 2, 3]);
    assert.deepEqual(outcome.left, []);
    assert.deepEqual(
      retried()
        .map(({ job: id, attempt, waitSeconds }) => `${id} ${attempt} ${waitSeconds}`)
        .sort(),
      ['distill/hiccup 1 0.05', 'distill/hiccup 2 0.1', 'distill/killed 1 0.05'],
    );
    const starts = rig.log().filter(({ type, job: id }) => type === 'start' && id === 'distill/killed');
    assert.deepEqual(
      starts.map(({ checkpoint }) => checkpoint),
      [undefined, 'step 41'],
    );
    const started = rig.events.filter(
      (event) => event.type === 'job-started' && event.job === 'distill/killed',
    );
    assert.deepEqual(
      started.map((event) => event.type === 'job-started' && event.resumed),
      [false, true],
    );
    assert.deepEqual(readdirSync(join(rig.runFolder, 'distill')).sort(), ['hiccup', 'killed']);
    assert.equal(rig.event('run-finished').retried, 3);
  });

  it('fails in the end, saying how often it was tried', async () => {
    rig.jobs = [job('distill/killed'), job('distill/crash')];
    rig.behave('distill/killed', { die: 'SIGKILL', progress: 1 });
    rig.behave('distill/crash', { die: 'SIGSEGV' });
    const { failures } = await rig.run(2, { retries: soon });
    const found = new Map(failures.map(({ job: id, failure }) => [id, failure]));
    assert.match(found.get('distill/killed')?.found ?? '', /\(SIGKILL\) .* MB of memory; so ended 3 tries$/);
    assert.match(found.get('distill/killed')?.next ?? '', /ran out of memory/);
    assert.match(found.get('distill/crash')?.found ?? '', /\(SIGSEGV\) .*; so ended 2 tries$/);
  });

  it('gives its slot to others while it waits', async () => {
    rig.jobs = [
      job('data/first', { estimate: { seconds: 9, memoryBytes: 1, diskBytes: 1 } }),
      job('order/other'),
    ];
    rig.behave('data/first', { die: 'SIGKILL', tries: 1 });
    await rig.run(1, { retries: { times: 1, waitSeconds: 0.5 } });
    const order = rig.events.flatMap((event) =>
      ['job-started', 'job-retried', 'job-finished'].includes(event.type) && 'job' in event
        ? [`${event.type} ${event.job}`]
        : [],
    );
    assert.deepEqual(order.slice(0, 3), [
      'job-started data/first',
      'job-retried data/first',
      'job-started order/other',
    ]);
    assert.equal(rig.events.filter(({ type }) => type === 'job-finished').length, 2);
  });

  it('is not waited for where the run is to stop', async () => {
    rig.jobs = [job('distill/killed')];
    rig.behave('distill/killed', { die: 'SIGKILL', tries: 1 });
    const stop = new AbortController();
    const running = rig.run(1, { retries: { times: 1, waitSeconds: 1000 }, signal: stop.signal });
    await rig.until(() => retried().length === 1);
    stop.abort();
    const outcome = await running;
    assert.deepEqual([outcome.interrupted, outcome.failed, outcome.left], [true, 0, ['distill/killed']]);
    assert.equal(rig.event('job-interrupted').job, 'distill/killed');
  });

  it('is a child that hangs: it is ended and its job tried again; one that computes without a word is not', async () => {
    rig.jobs = [job('distill/hung'), job('distill/busy')];
    rig.behave('distill/hung', { die: 'SIGSTOP', tries: 1 });
    rig.behave('distill/busy', { busyMs: 4500 });
    const outcome = await rig.run(2, { retries: soon, executor: rig.executor({ slots: 2, silentMs: 3000 }) });
    assert.deepEqual([outcome.ran, outcome.failed], [2, 0]);
    const [only, ...more] = retried();
    assert.deepEqual(more, []);
    assert.equal(only?.job, 'distill/hung');
    assert.match(only.failure.found, /its process hung: no word and no work for 3\.0 s/);
  });

  it('does not grow without end: a process that has is replaced after its job', async () => {
    rig.jobs = [job('data/grow'), job('order/next', { needs: ['data/grow'] })];
    rig.behave('data/grow', { grow: 200e6 });
    await rig.run(1, { executor: rig.executor({ slots: 1, recycleBytes: 100e6 }) });
    assert.equal(new Set(rig.log().map(({ pid }) => pid)).size, 2);
  });
});

describe('--retry-failed', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig.dispose());

  it('runs what failed and what it blocked, leaves what else is missing and says so', async () => {
    rig.jobs = [
      job('data/all'),
      job('distill/bad', { needs: ['data/all'] }),
      job('distill/good', { needs: ['data/all'] }),
      job('measure/bad', { needs: ['distill/bad'] }),
    ];
    assert.equal((await rig.run(1, { retryFailed: true })).ran, 0, 'nothing failed, nothing runs');
    rig.behave('distill/bad', { failure: 'expected' });
    await rig.run(1);
    rig.jobs = [
      ...rig.jobs,
      job('rank/new', { needs: ['distill/good'] }),
      job('report/all', { needs: ['measure/bad', 'rank/new'] }),
    ];
    rig.behave('distill/bad', { waitFor: 'go' });
    // Interrupted in between, it is not forgotten what had failed.
    const stop = new AbortController();
    const running = rig.run(1, { retryFailed: true, signal: stop.signal });
    await rig.until(() => rig.started().length === 1);
    stop.abort();
    assert.equal((await running).interrupted, true);
    rig.release('go');
    const outcome = await rig.run(1, { retryFailed: true });
    assert.deepEqual(rig.started(), ['distill/bad', 'measure/bad']);
    assert.deepEqual([outcome.ran, outcome.failed, outcome.blocked, outcome.interrupted], [2, 0, 0, false]);
    assert.deepEqual(outcome.left, ['rank/new', 'report/all']);
    const again = await rig.run(1, { retryFailed: true });
    assert.deepEqual([again.ran, again.fresh], [0, 0]);
    assert.deepEqual(again.left, ['rank/new', 'report/all']);
  });
});

describe('signs of life', () => {
  it('are told from /proc and by ps alike', async () => {
    const end = Date.now() + 300;
    while (Date.now() < end);
    const used = await cpuSecondsOf(process.pid);
    assert.ok(used !== undefined && used > 0.2, String(used));
    const byPs = await cpuSecondsByPs(process.pid);
    // That leaves out the children that ended.
    if (byPs !== undefined) assert.ok(byPs <= used + 1, `${byPs} s, ${used} s`);
    assert.equal(await cpuSecondsByPs(2 ** 22 + 1), undefined);
  });

  it('are words where nothing else can be told', async () => {
    const silent = await new Promise<number>((resolve) => {
      let words = 0;
      const life = watchLife({
        pid: 1,
        silentMs: 100,
        cpuSeconds: () => Promise.resolve(undefined),
        onSilent() {
          clearInterval(talk);
          resolve(words);
        },
      });
      const talk = setInterval(() => {
        if (words < 30) life.heard();
        words++;
      }, 10);
    });
    assert.ok(silent >= 30, `${silent} words`);
  });
});
