import { setTimeout as sleep } from 'node:timers/promises';
import { removeAttempts } from '../attempt.ts';
import type { Executor, JobReply } from '../executor.ts';
import { openControllerStore } from '../store/open-store.ts';
import { createFlight } from './flight.ts';
import { createFlights, type Flights } from './flights.ts';
import { openQueueClient, type QueueClient } from './queue-client.ts';
import { queuedId, type Needs, type QueuedJob } from './queued-job.ts';
import { livingAttempts, takeBackWaiting } from './queue-state.ts';
import { runIdOf } from './run-id.ts';
import { createSlotNumbers } from './slot-numbers.ts';
import { queueTimes, type QueueTimes } from './times.ts';
import { watchWorkers } from './watch-workers.ts';

export interface BullmqSettings extends Pick<QueuedJob, 'method' | 'child'> {
  /** `redis://[user:password@]host[:port][/database]`, or `rediss://`. */
  readonly queue: string;
  /** Of several queues on one server. */
  readonly name: string;
  /** `runs/<name>`, absolute. */
  readonly runFolder: string;
  /** Jobs in the queue at once. */
  readonly slots: number;
  readonly needs: Needs;
  /** `folder`, or an object store: `executor.store`. */
  readonly store: string;
  /** Takes a sentence: the server is gone, or back; nobody serves the queue. */
  readonly note: (text: string) => void;
  readonly times?: QueueTimes | undefined;
}

const closeMs = 5000;
const answerMs = 10_000;

/**
 * Does jobs through a queue on Redis or Valkey, by workers on any machine. What the queue says when it is asked is the truth;
 * its events only say it sooner. Stopping leaves what was queued to the workers: a controller that comes back reads what came of it.
 * @throws BlockForgeError `place-unusable` where the server or the store cannot be used
 */
export async function bullmqExecutor(settings: BullmqSettings): Promise<Executor> {
  const { runFolder, note, slots, method, child, needs, times = queueTimes() } = settings;
  const store = await openControllerStore(settings.store, runFolder);
  const flights: Flights = createFlights({ runFolder, store, client: () => client, note });
  const client: QueueClient = await openQueueClient(settings, flights);
  const workers = watchWorkers(client, settings.name, note);
  const numbers = createSlotNumbers();
  const leaving = new Map<string, Promise<void>>();
  const stop = new AbortController();
  let opened: Promise<{ readonly runId: string; readonly known: Set<string> }> | undefined;

  /** With the first job: the run has its lock then. */
  const open = async () => {
    const runId = await runIdOf(runFolder);
    const known = await takeBackWaiting(client.queue, runId);
    await removeAttempts(runFolder, () => livingAttempts(client.queue, runId));
    return { runId, known };
  };

  let looking: Promise<void> | undefined;
  const look = async (): Promise<void> => {
    await flights.poll();
    await workers.look(flights.size);
  };
  const timer = setInterval(() => {
    // Where the server goes away meanwhile, the next look tells.
    if (client.isConnected)
      // An answer may be lost with a connection: whoever waits for it for ever is deaf.
      looking ??= Promise.race([look(), sleep(answerMs, undefined, { ref: false })])
        .catch(() => undefined)
        .finally(() => (looking = undefined));
  }, times.poll);

  /** Workers finish what is queued: whoever comes back finds it done. */
  const interrupt = (): void => {
    stop.abort(new Error('the run was interrupted'));
    flights.interrupt();
  };

  const sweep = async (): Promise<void> => {
    await Promise.all([looking, ...leaving.values()]);
    if (opened === undefined) return;
    const { runId } = await opened;
    await removeAttempts(runFolder, () => livingAttempts(client.queue, runId));
  };

  return {
    slots,
    elsewhere: true,
    parallel: () => workers.slots,
    async submit(request, watcher) {
      if (stop.signal.aborted) return { type: 'interrupted' };
      const { runId, known } = await (opened ??= open());
      const offer = await store.offer(request, stop.signal);
      if (offer.type !== 'offered') return offer;
      const id = queuedId(runId, request);
      await leaving.get(id);
      const job: QueuedJob = { ...{ format: 1, runId, method, needs, child, request }, ticket: offer.ticket };
      return new Promise<JobReply>((resolve) => {
        const end = (reply: JobReply): void => {
          numbers.free(id);
          resolve(reply);
        };
        const flight = createFlight({ id, job, end }, watcher, () => numbers.of(id));
        void (known.delete(id) ? flights.attach(flight) : flights.start(flight));
        if (stop.signal.aborted) flights.interrupt();
      });
    },
    settled(request) {
      void opened?.then(({ runId }) => {
        const id = queuedId(runId, request);
        leaving.set(
          id,
          client.remove(id).finally(() => leaving.delete(id)),
        );
      });
    },
    abort: interrupt,
    kill: interrupt,
    async close() {
      clearInterval(timer);
      const swept = sweep().catch(() => undefined);
      await Promise.race([swept, sleep(closeMs, undefined, { ref: false })]);
      await store.close(!stop.signal.aborted);
      await client.close();
    },
  };
}
