import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Event, JobPlan, Stage } from '../../pipeline/runner/contract.ts';
import type { Executor, JobReply } from '../../pipeline/runner/executor.ts';
import { run, type RunOptions } from '../../pipeline/runner/run.ts';
import { job } from './rig.ts';

const stages: readonly Stage<readonly JobPlan[]>[] = [
  {
    name: 'order',
    version: 1,
    needsEngine: false,
    plan: (jobs) => jobs,
    work: () => Promise.reject(new Error('done by the executor of this test')),
  },
];

/** Does nothing with jobs but count how many there are at once. */
function counting(
  slots: number,
  reply: (id: string, beside: number) => JobReply | undefined,
): { readonly executor: Executor; readonly most: () => number } {
  let running = 0;
  let most = 0;
  const executor: Executor = {
    slots,
    async submit(request, watcher) {
      const beside = running++;
      most = Math.max(most, running);
      watcher.onStart(0);
      await sleep(20);
      const answer = reply(request.job.id, Math.max(beside, running - 1));
      running--;
      return answer ?? { type: 'finished', summary: null, outputs: [], unfit: [], engine: null };
    },
    abort: () => undefined,
    kill: () => undefined,
    close: () => Promise.resolve(),
  };
  return { executor, most: () => most };
}

describe('a run on a machine that is short of memory', () => {
  let folder: string;
  let events: Event[];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'blockforge-memory-'));
    events = [];
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const start = (
    jobs: readonly JobPlan[],
    executor: Executor,
    options: Partial<RunOptions<readonly JobPlan[]>> = {},
  ) =>
    run({
      ...{ stages, input: jobs, name: 'memory', engine: 'any', runFolder: join(folder, 'run'), executor },
      subscribers: [(event: Event) => events.push(event)],
      ...options,
    });
  const jobs = ['a', 'b', 'c', 'd'].map((part) =>
    job(`order/${part}`, { estimate: { seconds: 1, memoryBytes: 1e9, diskBytes: 1 } }),
  );

  it('does fewer jobs at once than there are slots, and says so once', async () => {
    const { executor, most } = counting(4, () => undefined);
    const machine = { freeDiskBytes: () => Promise.resolve(1e12), memoryBytes: () => 2.5e9 };
    const outcome = await start(jobs, executor, { machine });
    assert.deepEqual([outcome.ran, most()], [4, 2]);
    const notes = events.flatMap((event) => (event.type === 'run-started' ? (event.notes ?? []) : []));
    assert.equal(notes.length, 1);
    assert.match(notes[0] ?? '', /^2 of 4 jobs at once: /);
  });

  it('tries a job alone that was one too many', async () => {
    const beside: number[] = [];
    const { executor } = counting(4, (id, others) => {
      if (id !== 'order/a') return undefined;
      beside.push(others);
      const failure = { reason: 'job-failed', subject: id, found: 'its process died (SIGKILL)' } as const;
      return beside.length === 1 ? { type: 'failed', failure, passing: true, alone: true } : undefined;
    });
    const outcome = await start(jobs, executor, { retries: { times: 1, waitSeconds: 0.001 } });
    assert.deepEqual([outcome.ran, outcome.retried, outcome.failed], [4, 1, 0]);
    assert.equal(beside.length, 2);
    assert.equal(beside[1], 0, `the first beside ${beside[0]}, the second beside nobody`);
  });
});
