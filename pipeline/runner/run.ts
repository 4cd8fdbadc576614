import { join } from 'node:path';
import type { Failure } from '../util/failure.ts';
import type { Json } from '../util/hash.ts';
import { makeFolder, requireMakeable } from '../util/make-folder.ts';
import { failureOf } from '../util/system-failure.ts';
import type { JobId, Stage } from './contract.ts';
import { removeAttempts } from './attempt.ts';
import { createEventBus, openJsonlLog, type Subscriber } from './events.ts';
import { executeRun, type ExecuteOptions, type JobEnd } from './execute.ts';
import type { Executor } from './executor.ts';
import { failedBefore } from './failed-before.ts';
import { openFileDigests } from './file-digests.ts';
import type { JobFailure } from './job-failure.ts';
import { refuseJobsAtWork } from './job-lock.ts';
import { lockRun } from './lock.ts';
import { makePlan, type Plan, type Selection } from './plan.ts';
import { removeLeftovers } from './leftovers.ts';
import { writePlanRecord } from './plan-record.ts';
import { invalidateJob, readOwnOutputs } from './publish.ts';
import { openPulse, type Pulse } from './pulse.ts';
import { clearPulses } from './read-pulses.ts';
import { dropResumeFolder } from './resume-folder.ts';
import type { Retries } from './retry.ts';
import { checkSpace, type Machine } from './space.ts';
import { checkPrerequisites, describePlan, inspectPlan, type PlanRow } from './states.ts';
import { listForeign } from './foreign-files.ts';
import { known } from '../util/known.ts';
import { toolVersion } from '../util/package.ts';

export interface RunOptions<Input> extends Pick<ExecuteOptions, 'killSignal' | 'graceMs'>, Selection {
  /** The pipeline. */
  readonly stages: readonly Stage<Input>[];
  /** What the stages plan from. */
  readonly input: Input;
  /** Name of the run, for the events. */
  readonly name: string;
  /** Name of the engine that jobs with numerics compute with. */
  readonly engine: string;
  /** `runs/<name>`. */
  readonly runFolder: string;
  /** Does the jobs. Closed after the work; not touched where the run is refused before its first job. */
  readonly executor: Executor;
  readonly subscribers?: readonly Subscriber[] | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly machine?: Machine | undefined;
  /** Default: none. */
  readonly retries?: Retries | undefined;
  /** What is told of the run beside its jobs, for its report: config, machine. Makes nothing stale. */
  readonly about?: Json | undefined;
  /** Only what failed before and was not mended since, and what was blocked by it. */
  readonly retryFailed?: boolean | undefined;
}

export interface RunOutcome {
  readonly ran: number;
  readonly fresh: number;
  readonly failed: number;
  readonly blocked: number;
  readonly interrupted: boolean;
  /** Tries that went wrong and were made again. */
  readonly retried: number;
  /** Jobs that did not come to their turn: interrupted, or left out by `retryFailed`. */
  readonly left: readonly JobId[];
  readonly failures: readonly ({ readonly job: JobId } & JobFailure)[];
  /** What went wrong beside the jobs, e.g. an event log that could not be written. */
  readonly troubles: readonly Failure[];
  readonly seconds: number;
}

/**
 * What `run` would do, for `--plan`. Reads only, takes no lock, loads no engine.
 * @throws the system's error where there could be no such run folder; BlockForgeError as `run` does
 */
export async function previewRun<Input>(
  options: Pick<
    RunOptions<Input>,
    'stages' | 'input' | 'engine' | 'runFolder' | 'from' | 'only' | 'retryFailed'
  >,
): Promise<readonly PlanRow[]> {
  const { runFolder } = options;
  const plan = makePlan(options.stages, options.input, options.engine, await selectionOf(options));
  requireMakeable(runFolder);
  const digests = await openFileDigests(runFolder);
  const rows = describePlan(plan, await inspectPlan(plan, runFolder, digests));
  const places = new Map(plan.jobs.map(({ job }) => [job.id, job.folder]));
  return Promise.all(
    rows.map(async (row) => {
      const folder = row.state === 'fresh' ? undefined : places.get(row.job);
      if (folder === undefined) return row;
      const own = await readOwnOutputs(runFolder, row.job);
      const found = await listForeign(join(runFolder, folder), own, (path) => digests.digest(path));
      const holds = found.map((item) => ({ ...item, path: join(folder, item.path) }));
      return holds.length === 0 ? row : { ...row, holds };
    }),
  );
}

/**
 * One run from plan to outcome: plan, lock, states, space, work. Failing jobs are part of the outcome.
 * @throws BlockForgeError for what stops a run before its first job: `usage`, `run-locked`, `file-missing`,
 * `out-of-space`.
 */
export async function run<Input>(options: RunOptions<Input>): Promise<RunOutcome> {
  const { input, name, engine, executor, runFolder, killSignal } = options;
  const started = performance.now();
  const planOf = (selection: Selection) => makePlan(options.stages, input, engine, selection);
  // A mistake in it is told before anything is made.
  planOf({ from: options.from, only: options.only });
  makeFolder(runFolder);
  const lost = new AbortController();
  const lock = await lockRun(runFolder, (why) => lost.abort(new Error(why)));
  const troubles: Failure[] = [];
  const log = openJsonlLog(join(runFolder, 'events.jsonl'), (failure) => troubles.push(failure));
  let pulse: Pulse | undefined;
  try {
    await refuseJobsAtWork(runFolder);
    const plan = planOf(await selectionOf(options));
    await clearPulses(runFolder);
    pulse = openPulse(runFolder, {
      kind: 'run',
      // Elsewhere it is workers that have slots.
      slots: executor.elsewhere === true ? undefined : executor.slots,
      engine,
      version: await toolVersion(),
    });
    const bus = createEventBus();
    for (const subscriber of [log.write, pulse.handle, ...(options.subscribers ?? [])])
      bus.subscribe(subscriber);
    let retried = 0;
    bus.subscribe(({ type }) => {
      if (type === 'job-retried') retried++;
    });
    await removeLeftovers(
      runFolder,
      plan.stages,
      plan.jobs.map(({ job }) => job),
    );
    // Elsewhere somebody may be at work in them: the executor knows.
    if (executor.elsewhere !== true) await removeAttempts(runFolder, () => Promise.resolve(new Set()));
    const digests = await openFileDigests(runFolder);
    /** A cache that cannot be written costs time at the next start, nothing else. */
    const saveDigests = () =>
      digests.save().catch((error: unknown) => {
        const failure = failureOf(error, [{ option: '--runs DIR', path: runFolder }]);
        if (failure === undefined) throw error;
        troubles.push(failure);
      });
    const statuses = await inspectPlan(plan, runFolder, digests);
    await saveDigests();
    checkPrerequisites(plan, statuses);
    const here = executor.elsewhere === true ? 0 : executor.slots;
    const { slots, note } = await checkSpace(plan, statuses, runFolder, here, options.machine);
    await writePlanRecord(runFolder, plan, statuses, options.about);
    await forgetForced(plan, runFolder);

    const time = new Date().toISOString();
    const jobs = plan.jobs.filter(({ selected }) => selected).length;
    bus.emit({
      type: 'run-started',
      run: name,
      folder: runFolder,
      engine,
      jobs,
      time,
      ...(note !== undefined && { notes: [note] }),
    });
    const ends = await executeRun({
      plan,
      runFolder,
      executor,
      digests,
      emit: (event) => bus.emit(event),
      signal: AbortSignal.any(
        [lost.signal, options.signal, killSignal].filter((signal) => signal !== undefined),
      ),
      killSignal,
      graceMs: options.graceMs,
      retries: options.retries,
      slots: here === 0 ? undefined : slots,
    });
    if (lost.signal.aborted) troubles.push(lostLock(runFolder, lost.signal.reason as Error));
    const outcome = {
      ...countEnds(plan, ends),
      retried,
      troubles,
      seconds: (performance.now() - started) / 1000,
    };
    const { ran, fresh, failed, blocked, interrupted, left, seconds } = outcome;
    const told = {
      ran,
      fresh,
      failed,
      blocked,
      interrupted,
      ...(retried > 0 && { retried }),
      ...(left.length > 0 && { left }),
    };
    bus.emit({ type: 'run-finished', seconds, ...told });
    await saveDigests();
    if (bus.errors.length > 0) throw new AggregateError(bus.errors, 'a subscriber of the events failed');
    return outcome;
  } finally {
    log.close();
    await pulse?.close();
    await lock.release();
  }
}

async function selectionOf({
  from,
  only,
  retryFailed = false,
  runFolder,
}: Pick<RunOptions<unknown>, 'from' | 'only' | 'retryFailed' | 'runFolder'>): Promise<Selection> {
  return { from, only, ...(retryFailed && { jobs: await failedBefore(runFolder) }) };
}

/** `--from` is final before the work starts: interrupted, a plain command goes on with what is left. */
async function forgetForced(plan: Plan, runFolder: string): Promise<void> {
  for (const { job, forced, selected } of plan.jobs) {
    if (!forced || !selected) continue;
    await invalidateJob(runFolder, job);
    await dropResumeFolder(runFolder, job.id);
  }
}

function countEnds(plan: Plan, ends: ReadonlyMap<JobId, JobEnd>) {
  const all = plan.jobs.map(({ job, selected }) => ({ job: job.id, selected, end: known(ends, job.id) }));
  const selected = all.filter((entry) => entry.selected);
  // What `--only` leaves out is left out on purpose.
  const due = plan.selection.jobs === undefined ? selected : all;
  const count = (type: JobEnd['type']) => selected.filter(({ end }) => end.type === type).length;
  return {
    ran: count('ran'),
    fresh: count('fresh'),
    failed: count('failed'),
    blocked: count('blocked'),
    interrupted: count('interrupted') > 0,
    left: due.flatMap(({ job, end }) => (end.type === 'interrupted' || end.type === 'absent' ? [job] : [])),
    failures: selected.flatMap(({ job, end }) =>
      end.type === 'failed' ? [{ job, failure: end.failure, stack: end.stack }] : [],
    ),
  };
}

function lostLock(runFolder: string, { message }: Error): Failure {
  return {
    reason: 'run-locked',
    subject: runFolder,
    found: `${message}; this run stopped`,
    next: 'let the other run finish if there is one, then give the same command again',
  };
}
