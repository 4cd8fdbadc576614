import { Queue, WaitingError } from 'bullmq';
import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { BlockForgeError, type Failure } from '../../util/failure.ts';
import { createAcceptance, type Accepted, type AcceptSettings } from './accept.ts';
import { connectQueue } from './connect.ts';
import { doJob, type JobInQueue } from './do-job.ts';
import { createGate } from './gate.ts';
import { trackSentResults } from './late-results.ts';
import { WatchedWorker } from './lock-watch.ts';
import type { ChildSettings, QueuedReply } from './queued-job.ts';
import { askStates, type JobQueueOf } from './queue-state.ts';
import { createSeat, type Seat } from './seat.ts';
import { mostLost, queueTimes, type QueueTimes } from './times.ts';
import { untilEmpty } from './until-empty.ts';
import type { WorkerLine } from './worker-line.ts';
import { workerPulses } from './worker-pulses.ts';

export interface ServeSettings extends Omit<AcceptSettings, 'worker'> {
  readonly queue: string;
  readonly name: string;
  /** Jobs at once. */
  readonly slots: number;
  /** What the process of a slot has in its environment beside this one's. */
  readonly environmentOf: (slot: number, child: ChildSettings) => Readonly<Record<string, string>>;
  /** End when no job is left in the queue. */
  readonly untilEmpty?: boolean | undefined;
  readonly tell: (line: WorkerLine) => void;
  /** Stop: jobs save their state and go back to the queue. */
  readonly signal: AbortSignal;
  /** Stop at once. */
  readonly killSignal: AbortSignal;
  readonly times?: QueueTimes | undefined;
}

export type WorkerEnd =
  | { readonly type: 'emptied' | 'stopped' }
  /** It does not fit the runs in the queue, or does not see their files. */
  | { readonly type: 'refused'; readonly failure: Failure };

const graceMs = 20_000;
/** Nobody waits longer for a server that is away. */
const serverMs = 5000;

/**
 * Does jobs out of a queue until it is stopped. This process only supervises, so that locks are renewed whatever the work does;
 * the work is done in a child process for each slot.
 * @throws BlockForgeError `place-unusable` where the server cannot be reached
 */
export async function serveQueue(settings: ServeSettings): Promise<WorkerEnd> {
  const { name, slots, own, tell, signal, killSignal, times = queueTimes() } = settings;
  const worker = `${hostname()}:${process.pid}`;
  const note = (text: string): void => tell({ type: 'note', text });
  const { redis, shown, close: disconnect } = await connectQueue({ queue: settings.queue, note });
  const queue: JobQueueOf = new Queue(name, { connection: redis });
  // What the connection notes is enough.
  queue.on('error', () => undefined);
  const logName = `worker-${worker.replace(':', '-')}`;
  const seats = Array.from({ length: slots }, (_, index) => createSeat(index, `${logName}-${index}`));
  const free: Seat[] = [...seats];
  const gate = createGate();
  const accept = createAcceptance({ ...settings, worker });
  const sent = trackSentResults(async (id) => (await askStates(redis, queue, [id]))[0], note);
  const pulses = workerPulses({ slots, ...own });
  const stopping = new AbortController();
  let end: WorkerEnd = { type: 'stopped' };

  /** Gives a job back without counting it as a failure; where the server does not answer, its lock runs out. */
  const putBack = async (job: JobInQueue, token: string): Promise<never> => {
    tell({ type: 'job-returned', ...aboutJob(job) });
    const back = job.moveToWait(token).catch(() => undefined);
    await Promise.race([back, sleep(serverMs, undefined, { ref: false })]);
    throw new WaitingError();
  };

  const refuse = async (job: JobInQueue, token: string, { failure }: BlockForgeError): Promise<never> => {
    end = { type: 'refused', failure };
    stop();
    await job.updateProgress({ worker, attempt: '', warnings: [], refusal: failure }).catch(() => undefined);
    return putBack(job, token);
  };

  const work = async (job: JobInQueue, token: string, { registry, store }: Accepted, seat: Seat) => {
    const { child } = job.data;
    let lost = false;
    const since = await bull.lockedSince(job.id ?? '', token, job.processedOn ?? Date.now(), times);
    if (since === undefined) throw new WaitingError();
    const letGo = bull.hold(job.id ?? '', since, {
      doubt: (ms) => seat.abort(ms),
      lost() {
        if (!lost) note(`${job.data.request.job.id}: the queue does not renew its lock, so it is ended here`);
        lost = true;
        seat.kill();
      },
    });
    const begun = performance.now();
    tell({ type: 'job-started', ...aboutJob(job) });
    try {
      const { attempt, reply } = await doJob(job, {
        ...{ worker, seat, store, signal: stopping.signal },
        settings: {
          registry,
          runFolder: store.runFolder,
          recycleBytes: child.recycleBytes,
          silentMs: child.silentMs ?? undefined,
          environment: settings.environmentOf(seat.index, child),
        },
        // Whoever brings files through a store does not see the run's folder.
        tell: (event) => store.leaves || pulses.handle(store.runFolder, event),
      });
      if (reply === undefined) return await putBack(job, token);
      sent.add(job.id ?? '', attempt);
      const seconds = (performance.now() - begun) / 1000;
      const { reply: told } = reply;
      if (told.type === 'failed') tell({ type: 'job-failed', ...aboutJob(job), failure: told.failure });
      else tell({ type: 'job-finished', ...aboutJob(job), seconds });
      return reply;
    } finally {
      letGo();
    }
  };

  const onJob = async (job: JobInQueue, token = ''): Promise<QueuedReply> => {
    let accepted: Accepted;
    try {
      accepted = await accept(job.data);
    } catch (error) {
      if (!(error instanceof BlockForgeError)) throw error;
      return refuse(job, token, error);
    }
    const leave = await gate.enter(job.data.request.job.exclusive ?? false);
    const seat = free.pop();
    if (seat === undefined) throw new Error('more jobs at once than slots');
    try {
      return await work(job, token, accepted, seat);
    } finally {
      free.push(seat);
      leave();
    }
  };

  const bull = new WatchedWorker(name, onJob, {
    connection: redis,
    name: `${worker}:${slots}`,
    concurrency: slots,
    lockDuration: times.lock,
    stalledInterval: times.look,
    maxStalledCount: mostLost,
    runRetryDelay: 1000,
  });
  bull.watchLocks(times);
  bull.on('completed', ({ id }) => sent.arrived(id ?? ''));
  bull.on('error', ({ message }) => void sent.refused(message).catch(() => undefined));

  let closed: Promise<void> | undefined;
  const stop = (): void => {
    stopping.abort(new Error('the worker was stopped'));
    for (const seat of seats) seat.abort(graceMs);
    closed ??= bull.close();
  };
  const kill = (): void => {
    for (const seat of seats) seat.kill();
  };
  tell({ type: 'worker-started', worker, queue: shown, name, slots });
  signal.addEventListener('abort', stop);
  killSignal.addEventListener('abort', kill);
  if (signal.aborted) stop();
  if (settings.untilEmpty === true) {
    void untilEmpty(queue, redis, stopping.signal).then((isEmpty) => {
      if (!isEmpty) return;
      end = { type: 'emptied' };
      stop();
    });
  }
  await new Promise((resolve) => onceAborted(stopping.signal, () => resolve(undefined)));
  const patience = sleep(graceMs + serverMs, undefined, { ref: false });
  await Promise.race([closed?.catch(() => undefined), patience]);
  signal.removeEventListener('abort', stop);
  killSignal.removeEventListener('abort', kill);
  await Promise.all([...seats, pulses].map((open) => open.close()));
  await Promise.race([queue.close(), sleep(serverMs, undefined, { ref: false })]);
  disconnect();
  return end;
}

function aboutJob({ data }: JobInQueue): { readonly run: string; readonly job: string } {
  return { run: data.ticket.folder, job: data.request.job.id };
}

function onceAborted(signal: AbortSignal, call: () => void): void {
  if (signal.aborted) call();
  else signal.addEventListener('abort', call, { once: true });
}
