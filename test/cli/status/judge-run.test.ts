import assert from 'node:assert/strict';
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { runLooker } from '../../../pipeline/cli/status/look-at-run.ts';
import { renderStatus } from '../../../pipeline/cli/status/render.ts';
import { plain } from '../../../pipeline/terminal/terminal.ts';
import { assertAscii, assertGolden } from '../golden.ts';
import { elsewhere, failure, FolderOfARun, gone, morning } from './folder-of-a-run.ts';

const chain = {
  'data/all': [],
  'distill/a': ['data/all'],
  'distill/b': ['data/all'],
  'rank/all': ['distill/b'],
};

describe('how a run stands', () => {
  let folder: FolderOfARun;
  const look = () => runLooker(folder.path)();
  beforeEach(() => {
    folder = new FolderOfARun();
  });
  afterEach(() => folder.dispose());

  it('is running while its driver lives, with what is at work and what is left', async () => {
    folder.plan(chain);
    folder.start();
    folder.done('data/all');
    const at = { id: 'distill/a', since: new Date(Date.now() - 60_000).toISOString(), fraction: 0.5 };
    folder.pulse('run-here', { running: [at], secondsLeft: 90 });
    const status = await look();
    assert.equal(status.state, 'running');
    assert.deepEqual(status.jobs, { jobs: 4, done: 1, running: 1, failed: 0, blocked: 0, left: 2 });
    assert.equal(status.secondsLeft, 90);
    const [at1] = status.workers[0]?.running ?? [];
    assert.ok(at1 !== undefined && at1.seconds >= 60 && at1.seconds < 90);
    assert.deepEqual([status.lost, status.failures], [[], []]);
  });

  it('is finished, failed, stopped, or deserted when nobody is at work', async () => {
    folder.plan(chain);
    folder.start();
    folder.done('data/all', 'distill/a');
    assert.equal((await look()).state, 'nobody');
    folder.pulse('run-dead', { owner: gone, running: [{ id: 'distill/b', since: morning }] });
    const deserted = await look();
    assert.deepEqual([deserted.state, deserted.lost.length, deserted.jobs.left], ['nobody', 1, 2]);

    const end = { type: 'run-finished', seconds: 1, ran: 2, fresh: 0, failed: 0, blocked: 0 } as const;
    folder.log({ ...end, interrupted: true });
    assert.equal((await look()).state, 'interrupted');

    folder.log({ type: 'job-failed', job: 'distill/b', seconds: 1, failure });
    const failed = await look();
    assert.equal(failed.state, 'failed');
    assert.deepEqual(failed.jobs, { jobs: 4, done: 2, running: 0, failed: 1, blocked: 1, left: 0 });
    assert.equal(failed.failures[0]?.failure.next, 'lower the rate');

    folder.done('distill/b', 'rank/all');
    const finished = await look();
    assert.deepEqual([finished.state, finished.failures], ['finished', []]);
  });

  it('does not take for done what was there before and is not good, nor for failed what failed in an earlier run', async () => {
    folder.done('data/all', 'distill/a');
    const job = { stage: 'distill', needs: [], wants: [], seconds: 1, exclusive: false, selected: true };
    const finishedAt = '2027-03-01T08:10:00.000Z';
    folder.plan(
      {},
      {
        stages: ['data', 'distill'],
        jobs: [
          { ...job, id: 'data/all', stage: 'data', state: 'fresh', finishedAt },
          { ...job, id: 'distill/a', state: 'stale', finishedAt },
          { ...job, id: 'distill/b', state: 'missing' },
          { ...job, id: 'distill/c', state: 'missing', selected: false },
        ],
      },
    );
    folder.start();
    folder.log({ type: 'job-failed', job: 'distill/b', seconds: 1, failure });
    folder.start('2027-03-01T09:00:00.000Z');
    const { state, jobs } = await look();
    assert.equal(state, 'nobody');
    assert.deepEqual(jobs, { jobs: 3, done: 1, running: 0, failed: 0, blocked: 0, left: 2 });
  });

  it('is told by jobs that are done by themselves, on any machine', async () => {
    folder.plan(chain);
    folder.done('data/all');
    const since = new Date().toISOString();
    folder.pulse('run-job-distill--a-x', {
      kind: 'run-job',
      job: 'distill/a',
      owner: elsewhere,
      running: [{ id: 'distill/a', since }],
    });
    const failed = { job: 'distill/b', time: since, failure };
    folder.pulse('run-job-distill--b-x', { kind: 'run-job', ended: 'failed', failures: [failed] }, 1e5);
    folder.log(
      { type: 'job-warning', job: 'distill/a', message: 'few images' },
      since,
      'events/distill--a.jsonl',
    );
    const status = await look();
    assert.equal(status.state, 'running');
    assert.deepEqual(
      status.workers.map(({ who, kind }) => [who, kind]),
      [['far-away:12', 'run-job']],
    );
    assert.deepEqual(status.jobs, { jobs: 4, done: 1, running: 1, failed: 1, blocked: 1, left: 0 });
    assert.deepEqual(status.warnings, [{ job: 'distill/a', message: 'few images' }]);
    assert.ok(status.secondsLeft !== undefined && status.secondsLeft > 0, 'by the estimates of the plan');
  });

  it('is read from files that are torn, half written, no JSON or something else', async () => {
    folder.plan(chain);
    folder.start();
    folder.log({ type: 'job-failed', job: 'distill/b', seconds: 1, failure });
    appendFileSync(
      join(folder.path, 'events.jsonl'),
      '{"time":"2027-03-01T08:20:00.000Z","type":"job-fa\nnull\n[]\n{"type":3}\n',
    );
    folder.write('data/all/done.json', '{"format":1,"finishedAt":"2027-');
    folder.write('distill/a/done.json', 'null');
    folder.write('.status/run-torn.json', '{"format":1,"ki');
    folder.write('.status/run-empty.json', '');
    folder.write('.status/worker-new.json', { format: 2 });
    folder.write('events/distill--a.jsonl', '{"time":"2027-03-01T08:20:00');
    const status = await look();
    assert.deepEqual([status.state, status.workers, status.lost], ['failed', [], []]);
    assert.deepEqual(status.jobs, { jobs: 4, done: 0, running: 0, failed: 1, blocked: 1, left: 2 });
    folder.write('.status/plan.json', '{"format":1,"jobs":[{');
    assert.equal((await look()).jobs.jobs, 2, 'without a plan: what left something');
  });

  it('is drawn on 80 columns', async () => {
    folder.plan(chain);
    folder.start();
    folder.done('data/all');
    const at = {
      id: 'distill/a',
      since: new Date(Date.now() - 125_000).toISOString(),
      fraction: 0.25,
      note: 'epoch 3/10',
      metrics: { loss: 0.012 },
      rssBytes: 1.2e9,
      secondsLeft: 190,
    };
    const worker = { kind: 'worker', owner: elsewhere, slots: 2, version: '1.2.3' } as const;
    folder.pulse('run-here', { slots: 2, secondsLeft: 190, running: [{ ...at, worker: 'far-away:12' }] });
    folder.pulse('worker-far', { ...worker, running: [at] });
    folder.pulse(
      'worker-lost',
      { ...worker, owner: { ...elsewhere, pid: 99 }, running: [{ id: 'distill/b', since: morning }] },
      3600,
    );
    folder.log({
      type: 'job-failed',
      job: 'distill/b',
      seconds: 1,
      failure: { ...failure, found: `${failure.found}, ${'and so on '.repeat(9)}` },
    });
    folder.log({ type: 'job-warning', job: 'distill/a', message: 'few images' });
    const { workers, disk, ...status } = await look();
    assert.ok(disk.usedBytes > 0);
    const fixed = {
      ...status,
      folder: '/somewhere/runs/demo',
      run: 'demo',
      jobsPerHour: 12.4,
      disk: { usedBytes: 1.5e9, freeBytes: 8e10 },
      // By the clock.
      workers: workers.map((one) => ({
        ...one,
        who: one.kind === 'run' ? 'here:7' : one.who,
        heard: 2,
        running: one.running.map((job) => ({ ...job, seconds: Math.round(job.seconds / 5) * 5 })),
      })),
    };
    const text = `${renderStatus({ ...fixed, lost: fixed.lost.map((one) => ({ ...one, heard: 3600 })) }, plain, 80)}\n`;
    assertAscii(text);
    assert.ok(text.split('\n').every(({ length }) => length <= 80));
    assertGolden('status.txt', text);
  });

  it('has all warnings in full where it is asked for once', async () => {
    folder.plan({ 'distill/a': [] });
    folder.start();
    const message = (at: number) => `image ${at} has ${'words and '.repeat(20)}\nan end.`;
    for (let at = 0; at < 14; at++)
      folder.log({ type: 'job-warning', job: 'distill/a', message: message(at) });
    const status = await look();
    const text = renderStatus(status, plain, Infinity, true);
    for (let at = 0; at < 14; at++)
      assert.ok(text.includes(`  distill/a: ${message(at).replace(/\s*\n/, ' ')}`), `warning ${at}`);
    const narrow = renderStatus({ ...status, folder: '/runs/demo' }, plain, 80, true);
    assert.equal(narrow.match(/end\./g)?.length, 14);
    assert.ok(narrow.split('\n').every(({ length }) => length <= 80));
    assert.match(renderStatus(status, plain, 80), /\.\.\.\n {2}and 4 more/);
  });

  it('of a thousand jobs is looked at as one of few', async () => {
    const ids = Array.from({ length: 1000 }, (_, i) => `distill/${i}`);
    folder.plan(Object.fromEntries(ids.map((id) => [id, []])));
    folder.start();
    folder.done(...ids.slice(0, 600));
    for (const id of ids.slice(0, 300))
      folder.log(
        { type: 'job-started', job: id, slot: 0, resumed: false },
        undefined,
        `events/${id.replace('/', '--')}.jsonl`,
      );
    folder.pulse('run-here', {
      running: ids.slice(600, 608).map((id) => ({ id, since: morning })),
      slots: 8,
    });
    const looker = runLooker(folder.path);
    for (let i = 0; i < 2; i++) {
      const { jobs, secondsLeft } = await looker();
      assert.deepEqual(jobs, { jobs: 1000, done: 600, running: 8, failed: 0, blocked: 0, left: 392 });
      assert.ok(secondsLeft !== undefined && secondsLeft > 0);
    }
  });
});
