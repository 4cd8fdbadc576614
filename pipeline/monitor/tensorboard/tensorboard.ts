import { closeSync, openSync, writeSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { makeFolder } from '../../util/make-folder.ts';
import { noteOnce, type Note } from '../contained.ts';
import type { Listener } from '../listener.ts';
import { thinLooks } from '../thin-looks.ts';
import { fileVersionEvent, scalarsEvent } from './event.ts';
import { tfRecord } from './record.ts';

export interface TensorboardOptions {
  /** Of the event files: every process that has something to draw adds one. */
  readonly folder: string;
  readonly note: Note;
  /** Between the looks of a job, and between writes. Default 2 s. */
  readonly everyMs?: number | undefined;
}

/** More than that is not kept while the disk takes nothing. */
const bufferBytes = 2 ** 20;

/** What jobs report in numbers, as scalars `<job>/<name>` over the steps of the job, in event files for TensorBoard. */
export function tensorboard({ folder, note, everyMs = 2000 }: TensorboardOptions): Listener {
  const complain = noteOnce(note);
  let file: number | undefined;
  let length = 0;
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  const looks = thinLooks(everyMs, ({ job, step, values }, time) => {
    const scalars = values.map(([name, value]) => [`${job}/${name}`, value] as const);
    const record = tfRecord(scalarsEvent(time / 1000, step, scalars));
    waiting.push(record);
    bytes += record.length;
    if (bytes > 64 * 1024) flush();
  });
  const timer = setInterval(() => {
    looks.flush();
    flush();
  }, everyMs).unref();

  function flush(): void {
    if (waiting.length === 0) return;
    try {
      file ??= openEventFile(folder);
      const head = length === 0 ? [tfRecord(fileVersionEvent(Date.now() / 1000))] : [];
      const all = Buffer.concat([...head, ...waiting]);
      for (let done = 0; done < all.length;)
        done += writeSync(file, all, done, all.length - done, length + done);
      length += all.length;
      forget();
    } catch (error) {
      complain(`monitor.tensorboard: ${(error as Error).message}; the run goes on`);
      // Written again from `length` on when there is room: readers stop at a record that is cut short, and wait.
      if (bytes > bufferBytes) forget();
    }
  }

  function forget(): void {
    waiting = [];
    bytes = 0;
  }

  return {
    handle: looks.handle,
    close() {
      clearInterval(timer);
      looks.flush();
      flush();
      if (file !== undefined) closeSync(file);
      file = undefined;
      return Promise.resolve();
    },
  };
}

/** A new one: what a process that was killed left at the end of its own is no business of ours. */
function openEventFile(folder: string): number {
  makeFolder(folder);
  const seconds = String(Math.floor(Date.now() / 1000)).padStart(10, '0');
  for (let count = 0; ; count++) {
    const name = `events.out.tfevents.${seconds}.${hostname()}.${process.pid}.${count}.v2`;
    try {
      return openSync(join(folder, name), 'wx');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}
