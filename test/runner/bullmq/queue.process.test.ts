import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import type { PulseRecord } from '../../../pipeline/runner/pulse-record.ts';
import { whyNoRedis } from '../../support/redis.ts';
import { connectQueue } from '../../../pipeline/runner/bullmq/connect.ts';
import { job } from '../rig.ts';
import { QueueRig } from './queue-rig.ts';

describe('a queue', function () {
  this.timeout(60_000);
  const why = whyNoRedis();
  let rig: QueueRig;
  let opened = false;
  beforeEach(async function () {
    if (why !== undefined) return this.skip();
    rig = new QueueRig();
    opened = true;
    await rig.open();
  });
  afterEach(async function () {
    // What hangs once in a hundred times has to say where.
    if (opened && this.currentTest?.isFailed() === true) rig.describe();
    if (opened) await rig.close();
    opened = false;
  });

  const chain = [
    job('data/all'),
    job('order/a', { needs: ['data/all'] }),
    job('order/b', { needs: ['data/all'] }),
    job('rank/all', { needs: ['order/a', 'order/b'] }),
  ];
  const below = (folder: string) =>
    readdirSync(join(rig.runFolder, folder), { recursive: true, encoding: 'utf8' }).sort();
  const pulses = () =>
    below('.status')
      .filter((name) => /^(run|worker)-.*[.]json$/.test(name))
      .map((name) => JSON.parse(readFileSync(join(rig.runFolder, '.status', name), 'utf8')) as PulseRecord);
  /** What is left in the queue, by state. */
  const left = async () => {
    const queue = new Queue('test', { connection: { url: rig.url } });
    const counts = await queue.getJobCounts();
    await queue.close();
    return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
  };

  it('does a plan: says who does what, warns once, leaves nothing in the queue or beside the jobs', async () => {
    rig.jobs = chain;
    rig.behave('order/a', { warning: 'did not beat the refit', progress: 20 });
    rig.behave('refit/a', { failure: 'expected' });
    rig.jobs = [...chain, job('refit/a')];
    rig.worker();
    const outcome = await rig.runQueued();
    assert.deepEqual([outcome.ran, outcome.failed], [4, 1]);
    assert.equal(outcome.failures[0]?.failure.found, 'loss is NaN');
    assert.equal(
      rig.started().filter((id) => id === 'refit/a').length,
      1,
      'what a job found wrong is not tried again',
    );
    const warnings = rig.events.filter(({ type }) => type === 'job-warning');
    assert.deepEqual(
      warnings.map((event) => 'message' in event && event.message),
      ['did not beat the refit'],
    );
    assert.match(rig.event('job-started', 'rank/all').worker ?? '', /^\S+:\d+$/);
    assert.equal(rig.event('job-progress', 'order/a').note, 'step 0');
    assert.deepEqual(await left(), {});
    assert.deepEqual(below('order'), [
      ...['a', 'a/deep', 'a/deep/result.txt', 'a/done.json', 'a/half.txt'],
      ...['b', 'b/deep', 'b/deep/result.txt', 'b/done.json', 'b/half.txt'],
    ]);
    assert.deepEqual(below('.resume/order'), []);
    assert.deepEqual(rig.notes, []);
    // For status: who has done his jobs is at none.
    await rig.until(() => pulses().some(({ kind, done }) => kind === 'worker' && done === 4));
    const [pulse] = pulses().filter(({ kind }) => kind === 'worker');
    assert.deepEqual([pulse?.running, pulse?.failures.map((failed) => failed.job)], [[], ['refit/a']]);
  });

  it('is drained by workers while no controller is there; one that comes back takes the results', async () => {
    rig.jobs = [job('order/a'), job('order/b'), job('order/c')];
    rig.behave('order/a', { waitFor: 'go', warning: 'heard later' });
    const first = rig.worker({ untilEmpty: true });
    const abort = new AbortController();
    const going = rig.runQueued(abort.signal);
    await rig.said('job-started', 'order/a');
    abort.abort();
    assert.equal((await going).interrupted, true);
    rig.release('go');
    assert.equal(await first.end, 0, 'the queue was empty');
    const outcome = await rig.runQueued();
    assert.deepEqual([outcome.ran + outcome.fresh, outcome.failed], [3, 0]);
    assert.deepEqual(rig.started(), [], 'nothing was done again');
    assert.equal(rig.event('job-warning', 'order/a').message, 'heard later');
    assert.deepEqual(await left(), {});
  });

  it('asks for the same again after its controller was killed: what is done or at work is done once', async () => {
    rig.jobs = [job('order/a'), job('order/b'), job('rank/all', { needs: ['order/a', 'order/b'] })];
    rig.behave('order/a', { waitFor: 'go' });
    const [first, second] = [rig.worker(), rig.worker()];
    const controller = rig.controller();
    const ended = new Promise((resolve) => controller.once('exit', resolve));
    try {
      await rig.until(() => rig.log().some(({ type, job: id }) => type === 'end' && id === 'order/b'), 30);
      await rig.until(() => rig.started().includes('order/a'));
      // What it has not read stays in the queue for a while, if it is lost between its publishing and its reading.
      while (!existsSync(join(rig.runFolder, 'order', 'b')) || 'completed' in (await left())) {
        await sleep(50);
      }
    } finally {
      controller.kill('SIGKILL');
      await ended;
    }
    const going = rig.runQueued();
    await rig.until(() =>
      rig.events.some((event) => event.type === 'job-started' && event.job === 'order/a'),
    );
    assert.deepEqual(rig.started(), [], 'it joins what is at work');
    rig.release('go');
    const outcome = await going;
    assert.deepEqual([outcome.ran + outcome.fresh, outcome.failed], [3, 0]);
    const starts = [first, second].flatMap(({ lines }) => lines.filter(({ type }) => type === 'job-started'));
    assert.equal(starts.length, 3);
    assert.deepEqual(await left(), {});
  });

  it('lets a job wait at its worker until it is alone, for longer than a lock lasts, and starts it once', async () => {
    // The one to be alone is queued when the other is at work: which of two comes first is the worker's affair.
    rig.jobs = [job('order/a'), job('data/c'), job('profile/b', { needs: ['data/c'], exclusive: true })];
    rig.behave('order/a', { waitFor: 'go' });
    rig.behave('data/c', { waitFor: 'order is at work' });
    const going = rig.runQueued();
    const worker = rig.worker({ slots: 2 });
    await rig.said('job-started', 'order/a');
    rig.release('order is at work');
    await rig.said('job-finished', 'data/c');
    while ((await left()).active !== 2) await sleep(50);
    await sleep(rig.lockSeconds * 1000);
    rig.release('go');
    assert.equal((await going).ran, 3);
    const lines = worker.lines.flatMap((line) =>
      'job' in line && line.job !== 'data/c' ? [`${line.type} ${line.job}`] : [],
    );
    assert.deepEqual(lines, [
      ...['job-started order/a', 'job-finished order/a', 'job-started profile/b', 'job-finished profile/b'],
    ]);
  });

  it('goes on when a worker dies: another one has its job, from the checkpoint', async () => {
    rig.jobs = [job('order/a')];
    rig.behave('order/a', { waitFor: 'go' });
    const [first, second] = [rig.worker(), rig.worker()];
    const going = rig.runQueued();
    await rig.until(() => rig.events.some(({ type }) => type === 'job-started'));
    const [busy, idle] = first.lines.some(({ type }) => type === 'job-started')
      ? [first, second]
      : [second, first];
    busy.child.kill('SIGKILL');
    await rig.said('job-started', 'order/a', idle);
    rig.release('go');
    assert.equal((await going).ran, 1);
    assert.equal(
      new Set(rig.events.flatMap((event) => (event.type === 'job-started' ? [event.worker] : []))).size,
      2,
    );
  });

  it('has no use for the late result of a worker that was frozen', async () => {
    rig.jobs = [job('order/a')];
    rig.behave('order/a', { waitFor: 'go' });
    const frozen = rig.worker();
    const going = rig.runQueued();
    await rig.said('job-started', 'order/a', frozen);
    frozen.child.kill('SIGSTOP');
    const second = rig.worker();
    await rig.said('job-started', 'order/a', second);
    rig.release('go');
    assert.equal((await going).ran, 1);
    const result = readFileSync(join(rig.runFolder, 'order/a/done.json'), 'utf8');
    frozen.child.kill('SIGCONT');
    await rig.until(() => frozen.lines.some(({ type }) => type === 'note' || type === 'job-returned'));
    frozen.child.kill('SIGTERM');
    assert.equal(await frozen.end, 75);
    assert.equal(readFileSync(join(rig.runFolder, 'order/a/done.json'), 'utf8'), result);
    assert.deepEqual(await left(), {});
    assert.equal((await rig.runQueued()).fresh, 1);
  });

  it('may forget everything: the controller queues it again', async () => {
    rig.jobs = [job('order/a'), job('order/b')];
    rig.behave('order/a', { waitFor: 'go' });
    const worker = rig.worker();
    const going = rig.runQueued();
    await rig.said('job-started', 'order/a');
    await rig.redis?.flush();
    await rig.until(() => worker.lines.filter(({ type }) => type === 'job-started').length >= 2);
    rig.release('go');
    assert.equal((await going).ran, 2);
    assert.deepEqual(await left(), {});
  });

  it('may be away for a while: it is said once, and the work goes on', async () => {
    rig.jobs = [job('order/a')];
    rig.behave('order/a', { waitFor: 'go' });
    rig.worker();
    const going = rig.runQueued();
    await rig.said('job-started', 'order/a');
    await rig.redis?.kill();
    await rig.until(() => rig.notes.length > 0);
    await rig.redis?.start();
    rig.release('go');
    assert.equal((await going).ran, 1);
    assert.match(rig.notes[0] ?? '', /^redis:\/\/127.0.0.1:\d+ is gone: .*waiting for it$/);
    assert.match(rig.notes[1] ?? '', /is back$/);
    assert.equal(rig.notes.length, 2);
  });

  it('has its job back at once from a worker that is told to stop', async () => {
    rig.jobs = [job('order/a')];
    rig.behave('order/a', { waitFor: 'go' });
    const first = rig.worker({ lockSeconds: 60 });
    const going = rig.runQueued();
    await rig.until(() => rig.started().length === 1);
    first.child.kill('SIGTERM');
    assert.equal(await first.end, 75);
    rig.release('go');
    rig.worker();
    assert.equal((await going).ran, 1);
    const starts = rig.log().filter(({ type }) => type === 'start');
    assert.deepEqual(
      starts.map(({ checkpoint }) => checkpoint),
      [undefined, 'step 41'],
    );
  });

  it('is left by workers that do not fit, who say why', async () => {
    rig.jobs = [job('order/a')];
    const old = rig.worker({ version: '0' });
    const going = rig.runQueued();
    assert.equal(await old.end, 4);
    const other = rig.worker({ engine: 'Fake 2.0' });
    assert.equal(await other.end, 4);
    const lost = rig.worker({ runs: rig.folder });
    assert.equal(await lost.end, 4);
    assert.deepEqual(rig.started(), []);
    rig.worker();
    assert.equal((await going).ran, 1);
    assert.match(rig.notes.join('\n'), /left: BlockForge is 0; expected: 1, as run fake needs it/);
    assert.match(rig.notes.join('\n'), /left: the engine is Fake 2.0; expected: Fake 1.0/);
    assert.match(rig.notes.join('\n'), /not the folder of a run that queues jobs/);
  });

  it('that is not there is said in one message, without its password', async () => {
    await rig.redis?.kill();
    const url = rig.url.replace('redis://', 'redis://:secret@');
    const worker = rig.worker({ queue: url });
    assert.equal(await worker.end, 3);
    const how = JSON.stringify(worker.lines);
    assert.match(how, /place-unusable/);
    assert.match(how, /ECONNREFUSED/);
    assert.doesNotMatch(how, /secret/);
  });

  it('has to have the database that was named', async () => {
    await assert.rejects(
      connectQueue({ queue: `${rig.url}/99`, note: () => undefined }),
      /DB index is out of range/,
    );
  });

  it('whose address has no scheme is said without what may be a password', async () => {
    const connect = connectQueue({ queue: 'me:secret@host', note: () => undefined });
    await assert.rejects(
      connect,
      ({ message }: Error) => message.includes('***@host') && !message.includes('secret'),
    );
  });
});
