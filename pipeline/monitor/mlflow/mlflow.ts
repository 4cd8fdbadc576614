import { setTimeout as sleep } from 'node:timers/promises';
import type { Event } from '../../runner/contract.ts';
import { noteOnce, type Note } from '../contained.ts';
import type { Listener, RunEnd, RunFacts } from '../listener.ts';
import { thinLooks } from '../thin-looks.ts';
import { mlflowClient, MlflowError, type Metric } from './client.ts';
import type { Connection } from './connection.ts';
import { endRun } from './end-run.ts';
import { keyOf, limits } from './names.ts';
import { openRun } from './open-run.ts';
import { resultMetrics } from './result-metrics.ts';

export interface MlflowOptions {
  readonly connection: Connection;
  readonly facts: RunFacts;
  /** A file that remembers the server's run: `.status/mlflow.json` in the run folder. */
  readonly memory: string;
  readonly note: Note;
  /** Nobody waits any longer. */
  readonly signal: AbortSignal;
  /** Between batches. Default 5 s. */
  readonly everyMs?: number | undefined;
  /** What the end of a run may take. Default 10 s. */
  readonly closeMs?: number | undefined;
}

/** Values kept while the server does not answer: the oldest go first. */
export const bufferedValues = 50_000;
const longestWaitMs = 60_000;

/** Tracks the run on an MLflow server: settings, numbers over steps, where the results lie, how it ended. */
export function mlflow(options: MlflowOptions): Listener {
  const { connection, facts, memory, note, signal, everyMs = 5000, closeMs = 10_000 } = options;
  const complain = noteOnce(note);
  const ending = new AbortController();
  const client = mlflowClient(connection, AbortSignal.any([signal, ending.signal]));
  const waiting: Metric[] = [];
  let lost = 0;
  let startTime: number | undefined;
  let runId: string | undefined;
  /** The server does not want this run: there is no use in asking again. */
  let refused = false;
  let failures = 0;
  let nextTry = 0;
  let sending: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  const looks = thinLooks(everyMs, ({ job, step, values }, timestamp) => {
    for (const [name, value] of values) push({ key: keyOf(`${job}/${name}`), value, timestamp, step });
  });

  function push(...metrics: Metric[]): void {
    waiting.push(...metrics);
    const over = waiting.length - bufferedValues;
    if (over > 0) waiting.splice(0, over);
    lost += Math.max(0, over);
  }

  /** @returns whether all that waits was told */
  async function send(): Promise<boolean> {
    if (refused || startTime === undefined) return refused;
    try {
      runId ??= await openRun({ client, connection, facts, memory, startTime });
      while (waiting.length > 0) {
        const metrics = waiting.splice(0, limits.metricsPerBatch);
        try {
          await client('POST', 'runs/log-batch', { run_id: runId, metrics });
        } catch (error) {
          if (isPassing(error)) waiting.unshift(...metrics);
          else lost += metrics.length;
          throw error;
        }
      }
      failures = 0;
      return true;
    } catch (error) {
      const { message } = error as Error;
      const passing = isPassing(error);
      refused ||= !passing && runId === undefined;
      complain(
        `monitor.mlflow: ${message}; ${passing ? 'tried again while the run goes on' : 'the run goes on'}`,
      );
      failures++;
      nextTry = Date.now() + Math.min(longestWaitMs, everyMs * 2 ** Math.min(failures - 1, 10));
      return false;
    }
  }

  function beat(): void {
    looks.flush();
    if (Date.now() < nextTry) return;
    sending ??= send()
      .then(() => undefined)
      .finally(() => (sending = undefined));
  }

  return {
    handle(event: Event) {
      if (event.type === 'run-started') {
        startTime = Date.parse(event.time);
        timer = setInterval(beat, everyMs).unref();
        beat();
      }
      looks.handle(event);
      if (event.type === 'job-finished') push(...resultMetrics(event, Date.now()));
    },
    async close(end: RunEnd) {
      clearInterval(timer);
      // A run that was refused before it began is none of the server's.
      if (startTime === undefined || refused) return;
      looks.flush();
      const stop = setTimeout(() => ending.abort(), closeMs);
      await sending;
      const isOver = () => refused || signal.aborted || ending.signal.aborted;
      let told: boolean;
      for (let wait = 250; ; wait *= 2) {
        told = (await send()) && runId !== undefined && (await endRun(client, runId, facts, end, complain));
        if (told || isOver()) break;
        await sleep(wait, undefined, { signal: AbortSignal.any([signal, ending.signal]) }).catch(
          () => undefined,
        );
      }
      clearTimeout(stop);
      lost += waiting.length;
      if (told && lost === 0) return;
      const what = [...(lost > 0 ? [`${lost} values`] : []), ...(told ? [] : ['the end of the run'])].join(
        ' and ',
      );
      note(`monitor.mlflow: ${what} could not be told to ${connection.url}`);
    },
  };
}

function isPassing(error: unknown): boolean {
  return error instanceof MlflowError && error.passing;
}
