import type { JobReply } from '../executor.ts';
import type { ControllerStore } from '../store/contract.ts';
import { refusalText } from './fit.ts';
import { lostWorkers, outputsAreThere, queueTrouble, unseenOutputs, type Flight } from './flight.ts';
import type { QueueClient, QueueListener } from './queue-client.ts';
import type { QueuedProgress, QueuedReply } from './queued-job.ts';
import type { QueuedState } from './queue-state.ts';

export interface FlightOptions {
  readonly runFolder: string;
  readonly store: ControllerStore;
  readonly client: () => QueueClient;
  readonly note: (text: string) => void;
}

/** The jobs whose ends are waited for. */
export interface Flights extends QueueListener {
  readonly size: number;
  /** Queues a job. */
  start(flight: Flight): Promise<void>;
  /** Goes on with a job that another controller queued, or queues it anew where nothing came of it. */
  attach(flight: Flight): Promise<void>;
  /** Asks the queue about all of them, in one round trip: what events do not tell. */
  poll(): Promise<void>;
  /** Every job's reply is `interrupted`; in the queue nothing changes. */
  interrupt(): void;
}

/** A job whose outputs are not to be seen here is done again so often. */
const mostUnseen = 3;

export function createFlights({ runFolder, store, client, note }: FlightOptions): Flights {
  const flights = new Map<string, Flight>();
  const refused = new Set<string>();
  /** A job that is tried again has the same id: the reply to its last try is not to be taken for its own. */
  const answered = new Map<string, string>();

  const end = (flight: Flight, reply: JobReply): void => {
    if (flights.get(flight.id) !== flight) return;
    flights.delete(flight.id);
    flight.end(reply);
  };

  const put = async (flight: Flight): Promise<void> => {
    flights.set(flight.id, flight);
    try {
      await client().add(flight.id, flight.job);
    } catch (error) {
      end(flight, { type: 'failed', ...queueTrouble(client().shown, error) });
    }
  };

  const again = async (flight: Flight): Promise<void> => {
    await client().remove(flight.id);
    flight.landing = false;
    if (flights.get(flight.id) === flight) await put(flight);
  };

  const land = async (flight: Flight, told: QueuedReply): Promise<void> => {
    if (flight.landing || answered.get(flight.id) === told.attempt) return;
    flight.landing = true;
    flight.hear(told);
    const { reply } = told;
    const isSeen = reply.type === 'failed' || (await outputsAreThere(runFolder, reply));
    if (reply.type === 'failed' || !isSeen) answered.set(flight.id, told.attempt);
    if (isSeen) {
      end(flight, await store.bring(flight.job.request, reply));
    } else if (++flight.unseen < mostUnseen) {
      await again(flight);
    } else end(flight, { type: 'failed', ...unseenOutputs(flight.job.request, told, runFolder) });
  };

  const hear = (flight: Flight, told: QueuedProgress): void => {
    if (told.refusal === undefined) {
      if (!flight.landing) flight.hear(told);
      return;
    }
    if (!refused.has(told.worker)) note(refusalText(told.refusal));
    refused.add(told.worker);
  };

  const take = async (flight: Flight, state: QueuedState): Promise<void> => {
    if (flight.landing || flights.get(flight.id) !== flight) return;
    if (state.type === 'completed') return land(flight, state.reply);
    // All of the server's data may be lost: the controller knows what is to be done.
    if (state.type === 'unknown') return put(flight);
    if (state.type === 'failed') {
      end(flight, { type: 'failed', ...lostWorkers(flight.job.request, state.why) });
    } else if (state.progress !== undefined) hear(flight, state.progress);
  };

  return {
    get size() {
      return flights.size;
    },
    start: put,
    async attach(flight) {
      flights.set(flight.id, flight);
      try {
        const [state] = await client().states([flight.id]);
        const failed =
          state?.type === 'failed' || (state?.type === 'completed' && state.reply.reply.type === 'failed');
        if (state === undefined || failed) await again(flight);
        else await take(flight, state);
      } catch (error) {
        end(flight, { type: 'failed', ...queueTrouble(client().shown, error) });
      }
    },
    async poll() {
      const asked = [...flights.values()].filter(({ landing }) => !landing);
      const states = asked.length === 0 ? [] : await client().states(asked.map(({ id }) => id));
      await Promise.all(asked.map((flight, index) => take(flight, states[index] ?? { type: 'waiting' })));
    },
    interrupt() {
      for (const flight of [...flights.values()]) end(flight, { type: 'interrupted' });
    },
    onProgress(id, progress) {
      const flight = flights.get(id);
      if (flight !== undefined) hear(flight, progress);
    },
    onCompleted(id, reply) {
      const flight = flights.get(id);
      if (flight !== undefined) void land(flight, reply);
    },
  };
}
