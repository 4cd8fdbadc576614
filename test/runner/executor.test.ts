import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Event, JobPlan, JobContext, Stage } from '../../pipeline/runner/contract.ts';
import type { Executor, JobReply, JobRequest } from '../../pipeline/runner/executor.ts';
import { toJobFailure } from '../../pipeline/runner/job-failure.ts';
import { performJob } from '../../pipeline/runner/perform-job.ts';
import { previewRun, run, type RunOutcome } from '../../pipeline/runner/run.ts';
import { job } from './rig.ts';

/** Runs go through any executor: here one that does its jobs in this process and sees the run folder elsewhere. */
describe('an executor', () => {
  let folder: string;
  let runFolder: string;
  let elsewhere: string;
  let calls: string[];
  let running: number;
  let most: number;
  let events: Event[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'blockforge-executor-'));
    runFolder = join(folder, 'run');
    elsewhere = join(folder, 'elsewhere');
    mkdirSync(runFolder);
    symlinkSync(runFolder, elsewhere);
    [calls, running, most, events] = [[], 0, 0, []];
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const works: Record<string, (job: JobPlan, context: JobContext) => Promise<void>> = {
    async order(planned, context) {
      assert.ok(context.folder.startsWith(elsewhere) && context.resumeFolder.startsWith(elsewhere));
      context.progress({ fraction: 0.5, note: 'half' });
      const { size } = planned.handling as { size: number };
      writeFileSync(join(context.folder, 'result.txt'), JSON.stringify(planned.settings));
      writeFileSync(join(folder, `${planned.id.replace('/', '-')}.size`), String(size));
      await sleep(50);
    },
    refit: () => Promise.reject(new TypeError('x is not a function')),
    rank(planned, context) {
      const found = planned.needs.map((id) => readFileSync(join(context.input(id), 'result.txt'), 'utf8'));
      assert.equal(context.optionalInput('refit/a'), undefined);
      assert.throws(() => context.input('refit/a'), /rank\/all reads refit\/a, which did not succeed/);
      assert.throws(() => context.input('order/z'), /rank\/all reads order\/z without declaring it/);
      writeFileSync(join(context.folder, 'all.txt'), found.join());
      return Promise.resolve();
    },
    data({ settings }, context) {
      const { value, seconds } = settings as { value: number; seconds: number };
      writeFileSync(join(context.folder, 'value.txt'), String(value));
      writeFileSync(join(context.folder, 'seconds.txt'), String(seconds));
      return Promise.resolve();
    },
    measure(_planned, context) {
      const value = readFileSync(context.input('data/a', 'value.txt'));
      assert.throws(() => context.input('data/a'), /measure\/a reads data\/a without declaring it/);
      assert.throws(
        () => context.input('data/a', 'seconds.txt'),
        /measure\/a reads seconds.txt of data\/a without declaring it/,
      );
      writeFileSync(join(context.folder, 'score.txt'), value);
      return Promise.resolve();
    },
    distill: (_planned, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      }),
  };

  const stages: readonly Stage<readonly JobPlan[]>[] = Object.entries(works).map(([name, work]) => ({
    name,
    version: 1,
    needsEngine: name !== 'rank',
    plan: (jobs) => jobs.filter(({ id }) => id.startsWith(`${name}/`)),
    work: () =>
      Promise.resolve({
        run: async (planned: JobPlan, context: JobContext) => {
          await work(planned, context);
          return { engine: context.engine };
        },
      }),
  }));

  function inMemory(slots: number): Executor {
    const stop = new AbortController();
    const stopped = () => stop.signal.aborted;
    const interrupt = (call: string) => {
      calls.push(call);
      stop.abort(new Error('interrupted'));
    };
    return {
      slots,
      async submit(sent, watcher): Promise<JobReply> {
        if (stopped()) return { type: 'interrupted' };
        const request = JSON.parse(JSON.stringify(sent)) as JobRequest;
        assert.ok(!JSON.stringify(request).includes(folder), 'no path of this machine');
        most = Math.max(most, ++running);
        watcher.onStart(7);
        try {
          const done = await performJob(request, {
            stages,
            runFolder: elsewhere,
            signal: stop.signal,
            progress: (progress) => watcher.onReport({ type: 'progress', progress, memory: { rssBytes: 1 } }),
            warn: (message) => watcher.onReport({ type: 'warning', message }),
          });
          return { type: 'finished', ...done, engine: request.engine };
        } catch (error) {
          return stopped()
            ? { type: 'interrupted' }
            : { type: 'failed', ...toJobFailure(request.job.id, error, folder) };
        } finally {
          running--;
        }
      },
      abort: (graceMs) => interrupt(`abort ${graceMs}`),
      kill: () => interrupt('kill'),
      close: () => Promise.resolve(void calls.push('close')),
    };
  }

  const start = (jobs: readonly JobPlan[], signal?: AbortSignal): Promise<RunOutcome> =>
    run({
      ...{ stages, input: jobs, name: 'memory', engine: 'any', runFolder, executor: inMemory(2), signal },
      ...{ graceMs: 5, subscribers: [(event: Event) => events.push(event)] },
    });
  const jobs = (size: number): readonly JobPlan[] => [
    ...['a', 'b', 'c'].map((part) => job(`order/${part}`, { settings: { part }, handling: { size } })),
    job('refit/a'),
    job('rank/all', { needs: ['order/a', 'order/b'], wants: ['refit/a'] }),
  ];

  it('does the jobs of a plan, no more at once than it has slots', async () => {
    const outcome = await start(jobs(1));
    assert.deepEqual([outcome.ran, outcome.failed], [4, 1]);
    assert.equal(most, 2);
    assert.equal(readFileSync(join(runFolder, 'rank/all/all.txt'), 'utf8'), '{"part":"a"},{"part":"b"}');
    assert.equal(outcome.failures[0]!.failure.found, 'x is not a function');
    assert.deepEqual(calls, ['close']);
  });

  it('is heard: start, progress, warnings, and the summary with the engine where one was needed', async () => {
    await start(jobs(1));
    const started = events.filter((event) => event.type === 'job-started');
    assert.deepEqual([...new Set(started.map(({ slot }) => slot))], [7]);
    const progress = events.find((event) => event.type === 'job-progress' && event.job === 'order/b');
    assert.ok(progress?.type === 'job-progress' && progress.note === 'half' && progress.fraction === 0.5);
    const [warning] = events.filter((event) => event.type === 'job-warning');
    assert.deepEqual([warning?.job, warning?.message], ['rank/all', 'goes on without refit/a']);
    const summaries = events.flatMap((event) =>
      event.type === 'job-finished' ? [[event.job, event.summary] as const] : [],
    );
    assert.deepEqual(new Map(summaries).get('order/a'), { engine: 'any' });
    assert.deepEqual(new Map(summaries).get('rank/all'), { engine: null });
  });

  it('is given what a result does not depend on; a change of that makes nothing stale', async () => {
    await start(jobs(1));
    assert.equal(readFileSync(join(folder, 'order-a.size'), 'utf8'), '1');
    const again = await start(jobs(2));
    assert.deepEqual([again.ran, again.fresh, again.failed], [0, 4, 1]);
    assert.equal(readFileSync(join(folder, 'order-a.size'), 'utf8'), '1');
  });

  it('hands out the files that are told alone, and leaves fresh whose files stay the same', async () => {
    const reading = (value: number, seconds: number) => [
      job('data/a', { settings: { value, seconds } }),
      job('measure/a', { needs: ['data/a'], reads: { 'data/a': ['value.txt'] } }),
    ];
    const ran = async (value: number, seconds: number) => {
      events = [];
      assert.equal((await start(reading(value, seconds))).failed, 0);
      return events.flatMap((event) => (event.type === 'job-finished' ? [event.job] : []));
    };
    const predicted = async (value: number, seconds: number) =>
      (await previewRun({ stages, input: reading(value, seconds), engine: 'any', runFolder })).map(
        ({ state }) => state,
      );
    assert.deepEqual(await ran(1, 10), ['data/a', 'measure/a']);
    assert.deepEqual(await predicted(1, 11), ['stale', 'may-run']);
    assert.deepEqual(await ran(1, 11), ['data/a']);
    assert.deepEqual(await ran(2, 11), ['data/a', 'measure/a']);
    assert.deepEqual(await predicted(2, 11), ['fresh', 'fresh']);
  });

  it('is asked to stop, and let go of afterwards', async () => {
    const abort = new AbortController();
    const going = start([job('distill/a'), job('distill/b'), job('distill/c')], abort.signal);
    while (running < 2) await sleep(5);
    abort.abort();
    const outcome = await going;
    assert.equal(outcome.interrupted, true);
    assert.deepEqual([outcome.ran, outcome.failed], [0, 0]);
    assert.deepEqual(calls, ['abort 5', 'close']);
    const interrupted = events.flatMap((event) => (event.type === 'job-interrupted' ? [event.job] : []));
    const begun = events.flatMap((event) => (event.type === 'job-started' ? [event.job] : []));
    assert.deepEqual(interrupted.sort(), begun.sort());
    assert.equal(begun.length, 2, 'the third had not begun');
  });
});
