import { closeSync, fstatSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Failure } from '../util/failure.ts';
import { makeFolder } from '../util/make-folder.ts';
import { about, systemFailure } from '../util/system-failure.ts';
import type { Event, JobId } from './contract.ts';
import { shortenLog } from './shorten-log.ts';

export type Subscriber = (event: Event) => void;

export interface EventBus {
  emit(event: Event): void;
  /** @returns a function that ends the subscription. */
  subscribe(subscriber: Subscriber): () => void;
  /** Errors that subscribers threw. Such a bug must not stop hours of work, but must not pass unseen either. */
  readonly errors: readonly unknown[];
}

export function createEventBus(): EventBus {
  const subscribers = new Set<Subscriber>();
  const errors: unknown[] = [];
  return {
    emit(event) {
      for (const subscriber of subscribers) {
        try {
          subscriber(event);
        } catch (error) {
          subscribers.delete(subscriber);
          errors.push(error);
        }
      }
    },
    subscribe(subscriber) {
      subscribers.add(subscriber);
      return () => subscribers.delete(subscriber);
    },
    errors,
  };
}

export interface JsonlLog {
  readonly write: Subscriber;
  close(): void;
}

/**
 * Appends events with their time to a file, one JSON value per line; of a job's progress only what is `worthKeeping`. Written
 * synchronously: events are few, and the last ones before a crash are the interesting ones. A log that cannot be written never
 * stops the work; it is reported once, and later events are tried again. One that has become long is shortened first.
 * @param now in ms, replaceable for tests
 */
export function openJsonlLog(
  path: string,
  onFailure: (failure: Failure) => void,
  now: () => number = () => performance.now(),
): JsonlLog {
  const isWorthKeeping = worthKeeping(now);
  let file: number | undefined;
  let torn = false;
  let reported = false;
  const report = (error: unknown): void => {
    torn = true;
    if (reported) return;
    reported = true;
    const failure = systemFailure(about(error, path), [{ option: '--runs DIR', path: dirname(path) }]);
    if (failure === undefined) throw error;
    onFailure({ ...failure, found: `${failure.found}; events are being lost` });
  };
  try {
    makeFolder(dirname(path));
    shorten(path);
    file = openSync(path, 'a+');
    torn = endsTorn(file);
  } catch (error) {
    report(error);
  }
  return {
    write(event: Event) {
      if (file === undefined || !isWorthKeeping(event)) return;
      try {
        // A line cut short by a full disk or a crash is closed first, so that only that one is lost to readers.
        writeSync(
          file,
          `${torn ? '\n' : ''}${JSON.stringify({ time: new Date().toISOString(), ...event })}\n`,
        );
        torn = false;
      } catch (error) {
        report(error);
      }
    },
    close() {
      if (file !== undefined) closeSync(file);
      file = undefined;
    },
  };
}

/** Between two lines about a job's progress: a night of it stays readable. */
const progressMs = 2000;

/** Of a job's progress a line every two seconds, and those where it needs clearly more memory than was told: for its peak. */
function worthKeeping(now: () => number): (event: Event) => boolean {
  const told = new Map<JobId, { readonly at: number; readonly rssBytes: number }>();
  return (event) => {
    if (event.type === 'job-started') told.delete(event.job);
    if (event.type !== 'job-progress') return true;
    const { job, rssBytes } = event;
    const before = told.get(job);
    const at = now();
    if (before !== undefined && at - before.at < progressMs && !(rssBytes > 1.05 * before.rssBytes))
      return false;
    told.set(job, { at, rssBytes: Math.max(rssBytes, before?.rssBytes ?? 0) });
    return true;
  };
}

/** Where that cannot be done the log stays long. */
function shorten(path: string): void {
  try {
    shortenLog(path);
  } catch {
    // Whether anything can be written there, the next lines find out.
  }
}

function endsTorn(file: number): boolean {
  const { size } = fstatSync(file);
  const last = Buffer.alloc(1);
  return size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a;
}
