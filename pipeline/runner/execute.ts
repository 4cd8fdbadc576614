import PQueue from 'p-queue';
import type { Event, JobId } from './contract.ts';
import type { FileDigests } from './file-digests.ts';
import type { JobInput } from './fingerprint.ts';
import { toJobFailure, type JobFailure } from './job-failure.ts';
import type { JobReport } from './messages.ts';
import { dependenciesOf, type Plan, type PlannedJob } from './plan.ts';
import { outputFolder } from './publish.ts';
import { runJob } from './run-job.ts';
import { createSlotPool, type SlotSettings } from './slot-pool.ts';
import { inputOf, inspectJob, type DecidedStatus } from './states.ts';
import { createTimeLeft } from './time-left.ts';

export interface ExecuteOptions {
  readonly plan: Plan;
  readonly runFolder: string;
  /** Path of the module that exports the stages. */
  readonly registry: string;
  readonly slots: SlotSettings;
  readonly digests: FileDigests;
  readonly emit: (event: Event) => void;
  /** Stop starting jobs, let the running ones write a checkpoint. */
  readonly signal: AbortSignal;
  /** Kill at once. */
  readonly killSignal?: AbortSignal;
  /** How long a job may take to stop. Default 20 s. */
  readonly graceMs?: number;
}

/** How a job ended. `ran` and `fresh` have outputs to read. */
export type JobEnd =
  | { readonly type: 'ran' | 'fresh'; readonly input: JobInput }
  | ({ readonly type: 'failed' } & JobFailure)
  | { readonly type: 'blocked' }
  | { readonly type: 'interrupted' }
  /** Left out by `--only`, and not up to date. */
  | { readonly type: 'absent' };

/**
 * Runs a plan: each job as soon as what it depends on has ended, on the next free slot, those with the longest way to
 * the end first. A failing job stops only the jobs that need it. Freshness is decided here, when all inputs are known.
 */
export async function executeRun(options: ExecuteOptions): Promise<ReadonlyMap<JobId, JobEnd>> {
  const { plan, runFolder, slots, digests, emit, signal, killSignal, graceMs = 20_000 } = options;
  const pool = createSlotPool(slots, options.registry, runFolder);
  const queue = new PQueue({ concurrency: slots.count });
  const exclusiveQueue = new PQueue({ concurrency: 1 });
  const priorities = rankByWayToEnd(plan);
  const folders = new Map(plan.jobs.map(({ job }) => [job.id, outputFolder(runFolder, job)]));
  const timeLeft = createTimeLeft(
    plan.jobs.filter(({ selected }) => selected),
    slots.count,
  );

  const ends = new Map<JobId, Promise<JobEnd>>();
  for (const planned of plan.jobs) {
    ends.set(planned.job.id, reachEnd(planned));
  }

  async function reachEnd(planned: PlannedJob): Promise<JobEnd> {
    const end = await (planned.selected ? runWhenReady(planned) : lookAt(planned));
    timeLeft.ended(planned.job.id, end.type === 'ran');
    return end;
  }

  async function runWhenReady(planned: PlannedJob): Promise<JobEnd> {
    const { job } = planned;
    const { inputs, missing, interrupted } = await awaitInputs(planned);
    if (interrupted || signal.aborted) return { type: 'interrupted' };
    const by = missing.filter((id) => job.needs.includes(id));
    if (by.length > 0) {
      emit({ type: 'job-blocked', job: job.id, by });
      return { type: 'blocked' };
    }
    let status: DecidedStatus;
    try {
      status = await inspectJob(plan, planned, inputs, runFolder, digests);
    } catch (error) {
      const failure = toJobFailure(job.id, error);
      emit({ type: 'job-failed', job: job.id, seconds: 0, ...failure });
      return { type: 'failed', ...failure };
    }
    if (status.state === 'fresh' && status.record !== undefined) {
      emit({ type: 'job-skipped', job: job.id, state: 'fresh' });
      return { type: 'fresh', input: inputOf(status.record) };
    }
    const start = () => runOnSlot(planned, status, inputs);
    return job.exclusive
      ? exclusiveQueue.add(() => alone(start))
      : queue.add(start, { priority: priorities.get(job.id) });
  }

  /** A job that `--only` leaves out: its output is used if it is up to date. */
  async function lookAt(planned: PlannedJob): Promise<JobEnd> {
    const { inputs, missing } = await awaitInputs(planned);
    if (missing.some((id) => planned.job.needs.includes(id))) return { type: 'absent' };
    const { state, record } = await inspectJob(plan, planned, inputs, runFolder, digests);
    return state === 'fresh' && record !== undefined
      ? { type: 'fresh', input: inputOf(record) }
      : { type: 'absent' };
  }

  async function awaitInputs({ job }: PlannedJob) {
    const inputs = new Map<JobId, JobInput>();
    const missing: JobId[] = [];
    let interrupted = false;
    for (const id of dependenciesOf(job)) {
      const end = await ends.get(id)!;
      if (end.type === 'ran' || end.type === 'fresh') inputs.set(id, end.input);
      else missing.push(id);
      interrupted ||= end.type === 'interrupted';
    }
    return { inputs, missing, interrupted };
  }

  /** Waits until nothing else runs or is ready to, then keeps it so. */
  async function alone(start: () => Promise<JobEnd>): Promise<JobEnd> {
    while (queue.size > 0 || queue.pending > 0) await queue.onIdle();
    queue.pause();
    try {
      return await start();
    } finally {
      queue.start();
    }
  }

  async function runOnSlot(
    planned: PlannedJob,
    status: DecidedStatus,
    inputs: ReadonlyMap<JobId, JobInput>,
  ): Promise<JobEnd> {
    if (signal.aborted) return { type: 'interrupted' };
    const job = planned.job.id;
    const slot = pool.take();
    const onStart = (resumed: boolean): void => {
      timeLeft.started(job, resumed);
      emit({ type: 'job-started', job, slot: slot.index, resumed });
    };
    const onReport = (report: JobReport): void => {
      if (report.type === 'warning') return emit({ type: 'job-warning', job, message: report.message });
      const secondsLeft = timeLeft.progress(job, report.progress.fraction);
      const runSecondsLeft = timeLeft.run();
      emit({ type: 'job-progress', job, ...report.progress, ...report.memory, secondsLeft, runSecondsLeft });
    };
    const result = await runJob({
      planned,
      status,
      inputs,
      folderOf: (id) => folders.get(id)!,
      engine: plan.engine,
      input: plan.input,
      runFolder,
      slot,
      signal,
      onStart,
      onReport,
    });
    pool.giveBack(slot);
    if (result.type === 'interrupted') {
      emit({ type: 'job-interrupted', job });
      return result;
    }
    if (result.type === 'failed') {
      const { seconds, failure, stack } = result;
      emit({ type: 'job-failed', job, seconds, failure, stack });
      return { type: 'failed', failure, stack };
    }
    const { seconds, summary, outputs } = result;
    emit({ type: 'job-finished', job, seconds, summary, outputs });
    return { type: 'ran', input: { fingerprint: status.fingerprint, outputs } };
  }

  const onAbort = () => pool.abort(graceMs);
  const onKill = () => pool.kill();
  signal.addEventListener('abort', onAbort);
  killSignal?.addEventListener('abort', onKill);
  try {
    const settled = await Promise.allSettled(ends.values());
    const bug = settled.find((result) => result.status === 'rejected');
    if (bug !== undefined) throw bug.reason;
    return new Map(await Promise.all([...ends].map(async ([id, end]) => [id, await end] as const)));
  } finally {
    signal.removeEventListener('abort', onAbort);
    await pool.close();
    killSignal?.removeEventListener('abort', onKill);
  }
}

/** Seconds from a job's start to the end of the longest chain behind it: what delays the run most goes first. */
function rankByWayToEnd({ jobs }: Plan): ReadonlyMap<JobId, number> {
  const ways = new Map<JobId, number>();
  for (const { job } of [...jobs].reverse()) {
    const way = job.estimate.seconds + (ways.get(job.id) ?? 0);
    ways.set(job.id, way);
    for (const id of dependenciesOf(job)) ways.set(id, Math.max(ways.get(id) ?? 0, way));
  }
  return ways;
}
