import { closeSync, fstatSync, mkdirSync, openSync, readSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Failure } from '../util/failure.ts';
import type { Event } from './contract.ts';

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
 * Appends every event with its time to a file, one JSON value per line. Written synchronously: events are few, and
 * the last ones before a crash are the interesting ones. A log that cannot be written never stops the work; it is
 * reported once, and later events are tried again.
 */
export function openJsonlLog(path: string, onFailure: (failure: Failure) => void): JsonlLog {
  let file: number | undefined;
  let torn = false;
  let reported = false;
  const report = (error: unknown): void => {
    torn = true;
    if (reported) return;
    reported = true;
    onFailure(describe(path, error as NodeJS.ErrnoException));
  };
  try {
    mkdirSync(dirname(path), { recursive: true });
    file = openSync(path, 'a+');
    torn = endsTorn(file);
  } catch (error) {
    report(error);
  }
  return {
    write(event: Event) {
      if (file === undefined) return;
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

function endsTorn(file: number): boolean {
  const { size } = fstatSync(file);
  const last = Buffer.alloc(1);
  return size > 0 && readSync(file, last, 0, 1, size - 1) === 1 && last[0] !== 0x0a;
}

function describe(path: string, error: NodeJS.ErrnoException): Failure {
  if (error.code !== 'ENOSPC' && error.code !== 'EDQUOT') {
    return { reason: 'file-invalid', subject: path, found: `cannot be written (${error.message})` };
  }
  return {
    reason: 'out-of-space',
    subject: path,
    found: 'the disk is full, events are being lost',
    next: 'free some space; jobs that fail for the same cause run again with the same command',
  };
}
