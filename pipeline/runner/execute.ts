import type { Event, JobId } from './contract.ts';
import type { Executor } from './executor.ts';
import type { FileDigests } from './file-digests.ts';
import type { JobInput } from './fingerprint.ts';
import { toJobFailure, type JobFailure } from './job-failure.ts';
import { digestOutputs } from './outputs.ts';
import { dependenciesOf, type Plan, type PlannedJob } from './plan.ts';
import { createJobQueue, rankByWayToEnd, type JobQueue } from './queue.ts';
import type { Retries } from './retry.ts';
import { runJob, type JobListener } from './run-job.ts';
import { inputOf, inspectJob, type DecidedStatus } from './states.ts';
import { createTimeLeft, type TimeLeft } from './time-left.ts';

export interface ExecuteOptions {
  readonly plan: Plan;
  readonly runFolder: string;
  /** Closed when the work has ended. */
  readonly executor: Executor;
  readonly digests: FileDigests;
  readonly emit: (event: Event) => void;
  /** Stop starting jobs, let the running ones write a checkpoint. */
  readonly signal: AbortSignal;
  /** Kill at once. */
  readonly killSignal?: AbortSignal | undefined;
  /** How long a job may take to stop. Default 20 s. */
  readonly graceMs?: number | undefined;
  /** Jobs at once, at most; default: as many as the executor takes. */
  readonly slots?: number | undefined;
  /** Of what may pass. Default: none. */
  readonly retries?: Retries | undefined;
}

/** How a job ended. `ran` and `fresh` have outputs to read. */
export type JobEnd =
  | { readonly type: 'ran' | 'fresh'; readonly input: JobInput }
  | ({ readonly type: 'failed' } & JobFailure)
  | { readonly type: 'blocked' }
  | { readonly type: 'interrupted' }
  /** Left out by `--only` or `--retry-failed`, or needs one that was; and not up to date. */
  | { readonly type: 'absent' };

interface Execution extends ExecuteOptions {
  readonly queue: JobQueue;
  readonly priorities: ReadonlyMap<JobId, number>;
  readonly timeLeft: TimeLeft;
  /** By job, in the order of the plan: what a job depends on is there before it. */
  readonly ends: Map<JobId, Promise<JobEnd>>;
}

/**
 * Runs a plan: each job as soon as what it depends on has ended, on the next free slot, those with the longest way to
 * the end first. A failing job stops only the jobs that need it. Freshness is decided here, when all inputs are known.
 */
export async function executeRun(options: ExecuteOptions): Promise<ReadonlyMap<JobId, JobEnd>> {
  const { plan, executor, signal, killSignal, graceMs = 20_000 } = options;
  const slots = options.slots ?? executor.slots;
  const selected = plan.jobs.filter((planned) => planned.selected);
  const execution: Execution = {
    ...options,
    queue: createJobQueue(slots),
    priorities: rankByWayToEnd(plan),
    timeLeft: createTimeLeft(selected, () => executor.parallel?.() ?? slots),
    ends: new Map(),
  };
  for (const planned of plan.jobs) execution.ends.set(planned.job.id, reachEnd(execution, planned));

  const onAbort = () => executor.abort(graceMs);
  const onKill = () => executor.kill();
  signal.addEventListener('abort', onAbort);
  killSignal?.addEventListener('abort', onKill);
  try {
    // All of them, so that no job is left working when one meets a bug.
    await Promise.allSettled(execution.ends.values());
    return new Map(await Promise.all([...execution.ends].map(async ([id, end]) => [id, await end] as const)));
  } finally {
    signal.removeEventListener('abort', onAbort);
    await executor.close();
    killSignal?.removeEventListener('abort', onKill);
  }
}

async function reachEnd(execution: Execution, planned: PlannedJob): Promise<JobEnd> {
  const dependencies = await awaitDependencies(execution, planned);
  const end = planned.selected
    ? await decide(execution, planned, dependencies)
    : await lookAt(execution, planned, dependencies);
  execution.timeLeft.ended(planned.job.id, end.type === 'ran');
  return end;
}

interface Dependencies {
  readonly inputs: ReadonlyMap<JobId, JobInput>;
  /** Jobs in `needs` that have no outputs. */
  readonly missing: readonly JobId[];
  readonly interrupted: boolean;
  /** One in `needs` is neither made nor to be made. */
  readonly absent: boolean;
}

async function awaitDependencies({ ends }: Execution, { job }: PlannedJob): Promise<Dependencies> {
  const inputs = new Map<JobId, JobInput>();
  const missing: JobId[] = [];
  let interrupted = false;
  let absent = false;
  for (const id of dependenciesOf(job)) {
    const end = await ends.get(id);
    if (end?.type === 'ran' || end?.type === 'fresh') inputs.set(id, end.input);
    else if (job.needs.includes(id)) {
      missing.push(id);
      absent ||= end?.type === 'absent';
    }
    interrupted ||= end?.type === 'interrupted';
  }
  return { inputs, missing, interrupted, absent };
}

/** A job that `--only` leaves out: its output is used if it is up to date. */
async function lookAt(
  { plan, runFolder, digests }: Execution,
  planned: PlannedJob,
  { inputs, missing }: Dependencies,
): Promise<JobEnd> {
  if (missing.length > 0) return { type: 'absent' };
  const { state, record } = await inspectJob(plan, planned, inputs, runFolder, digests);
  return state === 'fresh' && record !== undefined
    ? { type: 'fresh', input: inputOf(record) }
    : { type: 'absent' };
}

/** A job whose dependencies have ended: blocked, fresh, or put in the queue. */
async function decide(
  execution: Execution,
  planned: PlannedJob,
  { inputs, missing, interrupted, absent }: Dependencies,
): Promise<JobEnd> {
  const { plan, runFolder, digests, emit, signal } = execution;
  const { job } = planned;
  if (interrupted || signal.aborted) return { type: 'interrupted' };
  if (absent) return { type: 'absent' };
  if (missing.length > 0) {
    emit({ type: 'job-blocked', job: job.id, by: missing });
    return { type: 'blocked' };
  }
  let status: DecidedStatus;
  try {
    status = await inspectJob(plan, planned, inputs, runFolder, digests);
  } catch (error) {
    const failure = toJobFailure(job.id, error, runFolder);
    emit({ type: 'job-failed', job: job.id, seconds: 0, ...failure });
    return { type: 'failed', ...failure };
  }
  if (status.state === 'fresh' && status.record !== undefined) {
    emit({ type: 'job-skipped', job: job.id, state: 'fresh' });
    return { type: 'fresh', input: inputOf(status.record) };
  }
  return perform(execution, planned, status, inputs);
}

/** A job that has to be done: it waits for its turn, for each of its tries. */
async function perform(
  execution: Execution,
  planned: PlannedJob,
  status: DecidedStatus,
  inputs: ReadonlyMap<JobId, JobInput>,
): Promise<JobEnd> {
  const { plan, runFolder, executor, digests, emit, signal, retries, queue } = execution;
  const job = planned.job.id;
  const listener = tellOf(job, execution);
  const priority = execution.priorities.get(job) ?? 0;
  const result = await runJob({
    ...{ plan, planned, status, inputs, runFolder, digests, executor, listener, priority, retries, signal },
    // Elsewhere each worker sees to it that nothing is beside a job that must be alone.
    turn: (start, alone) => queue.add(start, { priority, exclusive: alone && executor.elsewhere !== true }),
  });
  if (result.type === 'interrupted') {
    if (result.started) emit({ type: 'job-interrupted', job });
    return { type: 'interrupted' };
  }
  if (result.type === 'failed') {
    const { seconds, failure, stack } = result;
    emit({ type: 'job-failed', job, seconds, failure, stack });
    return { type: 'failed', failure, stack };
  }
  const { seconds, summary, outputs } = result;
  // Before it is told: many jobs say nothing on their way, so what is left is said at their ends, too.
  execution.timeLeft.ended(job, true);
  const runSecondsLeft = execution.timeLeft.run();
  emit({ type: 'job-finished', job, seconds, summary, outputs: digestOutputs(outputs), runSecondsLeft });
  return { type: 'ran', input: outputs };
}

/** Turns what is heard of a running job into events, with the time that is left. */
function tellOf(job: JobId, { emit, timeLeft }: Execution): JobListener {
  return {
    onStart(slot, resumed, worker) {
      timeLeft.started(job, resumed);
      emit({ type: 'job-started', job, slot, resumed, ...(worker !== undefined && { worker }) });
    },
    onRetry(attempt, waitSeconds, failure) {
      emit({ type: 'job-retried', job, attempt, waitSeconds, failure });
    },
    onReport(report) {
      if (report.type === 'warning') {
        emit({ type: 'job-warning', job, message: report.message });
        return;
      }
      const secondsLeft = timeLeft.progress(job, report.progress.fraction);
      const runSecondsLeft = timeLeft.run();
      emit({ type: 'job-progress', job, ...report.progress, ...report.memory, secondsLeft, runSecondsLeft });
    },
  };
}
