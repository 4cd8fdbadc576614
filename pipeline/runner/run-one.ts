import { join } from 'node:path';
import type { Failure } from '../util/failure.ts';
import { makeFolder } from '../util/make-folder.ts';
import { toolVersion } from '../util/package.ts';
import { failureOf } from '../util/system-failure.ts';
import { beginAttempt } from './attempt.ts';
import type { JobId } from './contract.ts';
import { createEventBus, openJsonlLog, type EventBus } from './events.ts';
import type { Executor } from './executor.ts';
import { openFileDigests } from './file-digests.ts';
import { fileNameOf } from './job-file-name.ts';
import { lockJob } from './job-lock.ts';
import { removeLeftoversOf } from './leftovers.ts';
import { lookAtNeeds } from './look-at-needs.ts';
import { digestOutputs } from './outputs.ts';
import type { OwnedLock } from './owned-lock.ts';
import { makePlan } from './plan.ts';
import { keepPlanRecord } from './plan-record.ts';
import { openPulse, type Pulse } from './pulse.ts';
import { clearPulses } from './read-pulses.ts';
import type { Retries } from './retry.ts';
import { runJob, type JobListener } from './run-job.ts';
import type { RunOptions } from './run.ts';
import { checkSpace } from './space.ts';
import { createTimeLeft } from './time-left.ts';

export interface OneJobOptions<Input> extends Pick<
  RunOptions<Input>,
  'stages' | 'input' | 'engine' | 'runFolder' | 'executor' | 'subscribers' | 'machine' | 'graceMs'
> {
  readonly job: JobId;
  /** Let the job write a checkpoint and stop. */
  readonly signal: AbortSignal;
  /** Kill at once. */
  readonly killSignal?: AbortSignal | undefined;
  /** Default: none. */
  readonly retries?: Retries | undefined;
  /** Called where another process does the same job: this one waits for it. */
  readonly onWait?: ((who: string) => void) | undefined;
  /** How long a run that is at work in the folder is waited for. Default 5 s. */
  readonly patienceMs?: number | undefined;
}

export interface OneJobOutcome {
  readonly end: 'ran' | 'fresh' | 'failed' | 'interrupted';
  /** Why it failed. */
  readonly failure?: Failure | undefined;
  /** What went wrong beside the job, e.g. an event log that could not be written. */
  readonly troubles: readonly Failure[];
}

/**
 * One job of a run, as `run` would do it, in a process of its own: many may be at work in one run folder, on any machines
 * that share it. What the job needs has to be there; what it only wants is read where it is there.
 * @throws BlockForgeError for what stops it before its work: `usage`, `run-locked`, `file-missing`, `out-of-space`, and
 * `job-failed` where what it needs is not there
 */
export async function runOne<Input>(options: OneJobOptions<Input>): Promise<OneJobOutcome> {
  const { runFolder, job, onWait = () => undefined } = options;
  makeFolder(runFolder);
  const lost = new AbortController();
  const lock = await lockJob(runFolder, job, {
    onLost: (why) => lost.abort(new Error(why)),
    onWait,
    signal: options.signal,
    patienceMs: options.patienceMs,
  });
  if (lock === undefined) return { end: 'interrupted', troubles: [] };
  const troubles: Failure[] = [];
  // A file of its own: appending to one from several machines is not safe everywhere.
  const log = openJsonlLog(join(runFolder, 'events', `${fileNameOf(job)}.jsonl`), (failure) =>
    troubles.push(failure),
  );
  let pulse: Pulse | undefined;
  try {
    await clearPulses(runFolder, job);
    const { engine } = options;
    pulse = openPulse(runFolder, { kind: 'run-job', job, slots: 1, engine, version: await toolVersion() });
    const bus = createEventBus();
    for (const subscriber of [log.write, pulse.handle, ...(options.subscribers ?? [])])
      bus.subscribe(subscriber);
    const outcome = await doOne(options, { bus, lock, lost: lost.signal, troubles });
    if (lost.signal.aborted) troubles.push(lostLock(job, lost.signal.reason as Error));
    if (bus.errors.length > 0) throw new AggregateError(bus.errors, 'a subscriber of the events failed');
    return { ...outcome, troubles };
  } finally {
    log.close();
    await pulse?.close();
    await options.executor.close();
    await lock.release();
  }
}

interface Surroundings {
  readonly bus: EventBus;
  readonly lock: OwnedLock;
  readonly lost: AbortSignal;
  readonly troubles: Failure[];
}

/** Under the job's lock. */
async function doOne<Input>(
  { stages, input, engine, runFolder, job: id, executor, ...options }: OneJobOptions<Input>,
  { bus, lock, lost, troubles }: Surroundings,
): Promise<Pick<OneJobOutcome, 'end' | 'failure'>> {
  const plan = makePlan(stages, input, engine);
  const digests = await openFileDigests(runFolder);
  await keepPlanRecord(runFolder, plan, digests);
  const { around, planned, inputs, status } = await lookAtNeeds(plan, id, runFolder, digests, (by) =>
    bus.emit({ type: 'job-blocked', job: id, by }),
  );
  await removeLeftoversOf(runFolder, planned.job);
  // A cache that cannot be written costs time at the next start, nothing else.
  await digests.save().catch((error: unknown) => {
    const failure = failureOf(error, [{ option: '--runs DIR', path: runFolder }]);
    if (failure === undefined) throw error;
    troubles.push(failure);
  });
  if (status.state === 'fresh') {
    bus.emit({ type: 'job-skipped', job: id, state: 'fresh' });
    return { end: 'fresh' };
  }
  await checkSpace(around, new Map([[id, status]]), runFolder, 1, options.machine);
  if (options.signal.aborted) return { end: 'interrupted' };

  const { signal, killSignal, graceMs = 20_000 } = options;
  const onAbort = () => executor.abort(graceMs);
  const onKill = () => executor.kill();
  signal.addEventListener('abort', onAbort);
  // What is not ours any more is not to be written to, not even a checkpoint.
  for (const other of [lost, killSignal]) other?.addEventListener('abort', onKill);
  const timeLeft = createTimeLeft([planned], () => 1);
  const result = await runJob({
    ...{ plan, planned, status, inputs, runFolder, digests, retries: options.retries },
    signal: AbortSignal.any([signal, lost, killSignal].filter((other) => other !== undefined)),
    executor: whileOurs(executor, runFolder, lock),
    listener: tellOf(id, bus, timeLeft),
  }).finally(() => {
    signal.removeEventListener('abort', onAbort);
    for (const other of [lost, killSignal]) other?.removeEventListener('abort', onKill);
  });
  switch (result.type) {
    case 'interrupted':
      if (result.started) bus.emit({ type: 'job-interrupted', job: id });
      return { end: 'interrupted' };
    case 'failed': {
      const { seconds, failure, stack } = result;
      bus.emit({ type: 'job-failed', job: id, seconds, failure, stack });
      return { end: 'failed', failure };
    }
    case 'ran': {
      const { seconds, summary, outputs } = result;
      bus.emit({ type: 'job-finished', job: id, seconds, summary, outputs: digestOutputs(outputs) });
      return { end: 'ran' };
    }
  }
}

/**
 * A process that was suspended comes back after another one took its job: it works in folders of its own, which nobody else
 * reads, and its result is not published.
 */
function whileOurs(executor: Executor, runFolder: string, lock: OwnedLock): Executor {
  return {
    ...executor,
    async submit(request, watcher) {
      const attempt = await beginAttempt(runFolder, request);
      const reply = await executor.submit(attempt.request, watcher);
      if (!(await lock.isOurs())) return { type: 'interrupted' };
      if (reply.type === 'finished') return { ...reply, folder: reply.folder ?? attempt.request.folder };
      await attempt.giveUp();
      return reply;
    },
  };
}

function tellOf(job: JobId, bus: EventBus, timeLeft: ReturnType<typeof createTimeLeft>): JobListener {
  return {
    onStart(slot, resumed) {
      timeLeft.started(job, resumed);
      bus.emit({ type: 'job-started', job, slot, resumed });
    },
    onReport(report) {
      if (report.type === 'warning') bus.emit({ type: 'job-warning', job, message: report.message });
      else {
        const secondsLeft = timeLeft.progress(job, report.progress.fraction);
        bus.emit({ type: 'job-progress', job, ...report.progress, ...report.memory, secondsLeft });
      }
    },
    onRetry(attempt, waitSeconds, failure) {
      bus.emit({ type: 'job-retried', job, attempt, waitSeconds, failure });
    },
  };
}

function lostLock(job: JobId, { message }: Error): Failure {
  return {
    reason: 'run-locked',
    subject: job,
    found: `${message}; it was not published here`,
    next: 'let the other process finish if there is one, then give the same command again',
  };
}
