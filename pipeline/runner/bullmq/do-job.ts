import type { Job } from 'bullmq';
import { hostname } from 'node:os';
import { beginAttempt, newAttemptId, type Attempt } from '../attempt.ts';
import type { Event, JobId } from '../contract.ts';
import type { JobReply, JobReport } from '../executor.ts';
import { toJobFailure } from '../job-failure.ts';
import { digestOutputs } from '../outputs.ts';
import { throttle } from '../local/throttle.ts';
import type { WorkerStore } from '../store/contract.ts';
import { awaitInputs } from './place.ts';
import type { QueuedJob, QueuedProgress, QueuedReply } from './queued-job.ts';
import type { Seat, SeatSettings } from './seat.ts';

export type JobInQueue = Job<QueuedJob, QueuedReply>;

export interface Workbench {
  /** `host:process`. */
  readonly worker: string;
  readonly seat: Seat;
  readonly settings: SeatSettings;
  readonly store: WorkerStore;
  /** The worker is to stop. */
  readonly signal: AbortSignal;
  /** Hears of the job what a controller would. */
  readonly tell: (event: Event & { readonly job: JobId }) => void;
}

export interface Done {
  readonly attempt: Attempt;
  /** Undefined: it was stopped and goes back to the queue. */
  readonly reply: QueuedReply | undefined;
}

const progressMs = 1000;

/** One attempt at a job, in a child process. Never throws: what goes wrong is the reply. */
export async function doJob(job: JobInQueue, bench: Workbench): Promise<Done> {
  const { worker, store, signal } = bench;
  const { request } = job.data;
  const told = tellQueue(job, { worker, attempt: newAttemptId(), warnings: [] });
  // The queue knows the attempt before there is anything of it that could be taken for a lost one's.
  await told.start();
  const begun = performance.now();
  const attempt = await beginAttempt(store.runFolder, request, told.attempt);
  let reply: JobReply;
  try {
    const missing = store.leaves ? undefined : await awaitInputs(store.runFolder, request, signal);
    reply =
      missing === undefined
        ? await perform(attempt, bench, (heard) => told.report(heard))
        : notSeen(job, missing);
  } catch (error) {
    reply = { type: 'failed', ...toJobFailure(request.job.id, error, store.runFolder) };
  }
  told.end();
  bench.tell(endOf(request.job.id, reply, (performance.now() - begun) / 1000));
  // A finished job's folder is renamed by whoever publishes it.
  if (reply.type !== 'finished' || store.leaves) await attempt.giveUp().catch(() => undefined);
  if (reply.type === 'interrupted') return { attempt, reply: undefined };
  const isHere = reply.type === 'finished' && !store.leaves;
  const sent = isHere ? { ...reply, folder: attempt.request.folder } : reply;
  return { attempt, reply: { worker, attempt: attempt.id, reply: sent, warnings: told.warnings() } };
}

async function perform(
  { request }: Attempt,
  bench: Workbench,
  report: (report: JobReport) => void,
): Promise<JobReply> {
  const { seat, settings, store, signal } = bench;
  const job = request.job.id;
  const work = (): Promise<JobReply> =>
    seat.submit(settings, request, {
      onStart: () => bench.tell({ type: 'job-started', job, slot: seat.index, resumed: false }),
      onReport(heard) {
        report(heard);
        if (heard.type === 'progress')
          bench.tell({ type: 'job-progress', job, ...heard.progress, ...heard.memory });
      },
    });
  return signal.aborted ? { type: 'interrupted' } : store.perform(request, work, signal);
}

/** What may pass is tried again, and is no failure of the run yet. */
function endOf(job: JobId, reply: JobReply, seconds: number): Event & { readonly job: JobId } {
  if (reply.type === 'finished') {
    const { summary, outputs } = reply;
    return { type: 'job-finished', job, seconds, summary, outputs: digestOutputs(outputs) };
  }
  if (reply.type === 'failed' && !reply.passing)
    return { type: 'job-failed', job, seconds, failure: reply.failure };
  return { type: 'job-interrupted', job };
}

/** What the controller hears while the job is done. Where the server is away, the newest is told when it is back. */
function tellQueue(job: JobInQueue, first: QueuedProgress) {
  let state = first;
  let sending = false;
  let ended = false;
  const send = async (): Promise<void> => {
    if (sending || ended) return;
    sending = true;
    await job.updateProgress(state).catch(() => undefined);
    sending = false;
  };
  const progress = throttle<true>(progressMs, () => void send());
  return {
    attempt: first.attempt,
    start: send,
    report(report: JobReport) {
      if (report.type === 'warning') state = { ...state, warnings: [...state.warnings, report.message] };
      else state = { ...state, report };
      progress.push(true);
    },
    end() {
      ended = true;
      progress.drop();
    },
    warnings: () => state.warnings,
  };
}

function notSeen({ data }: JobInQueue, missing: string): JobReply {
  return {
    type: 'failed',
    passing: true,
    failure: {
      reason: 'file-missing',
      subject: data.request.job.id,
      found: `${hostname()} does not see ${missing} as it was written`,
      expected: 'a run folder that all machines see',
      next: 'look at the mount of the run folder there',
    },
  };
}
