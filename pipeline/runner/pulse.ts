import { randomBytes } from 'node:crypto';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobId } from './contract.ts';
import type { Subscriber } from './events.ts';
import { thisOwner, type LockOwner } from './lock-owner.ts';
import { throttle } from './local/throttle.ts';
import {
  pulseNameOf,
  statusFolder,
  type PulseEnd,
  type PulseKind,
  type PulseRecord,
} from './pulse-record.ts';
import { trackWork } from './track-work.ts';

export interface PulseOptions {
  readonly kind: PulseKind;
  /** Jobs at once. */
  readonly slots?: number | undefined;
  readonly engine?: string | undefined;
  /** Of BlockForge. */
  readonly version?: string | undefined;
  /** The one job that a `run-job` is for. */
  readonly job?: JobId | undefined;
  /** How often it says that it lives. Default 5 s. */
  readonly beatMs?: number | undefined;
}

export interface Pulse {
  /** Hears what happens to the jobs of this process: `job-started`, `job-progress`, `job-finished` and so on. */
  readonly handle: Subscriber;
  /**
   * Says that this process has no more to do with the run: the file goes, or stays with the failures in it. Takes two
   * seconds at most, never throws.
   * @param how default: by the events it heard
   */
  close(how?: PulseEnd): Promise<void>;
}

/** Between two writings because something happened. */
const changeMs = 1000;
/** A server that does not answer must not keep anybody from ending. */
const patienceMs = 2000;

/**
 * Tells in the run folder, every few seconds and when something happens, that this process lives and what it does: for
 * `status`. It keeps no process alive, and where it cannot write nothing else is disturbed. A file is not flushed to disk: after
 * a power cut it would be wrong anyway.
 */
export function openPulse(runFolder: string, options: PulseOptions): Pulse {
  const { kind, slots, engine, version, job, beatMs = 5000 } = options;
  const owner = ownerOf(thisOwner());
  const tracker = trackWork();
  const path = join(statusFolder(runFolder), `${pulseName(kind, owner, job)}.json`);
  let busy: Promise<void> | undefined;
  let closed = false;

  const recordOf = (ended?: PulseEnd): PulseRecord => {
    const time = new Date().toISOString();
    return { format: 1, kind, owner, version, engine, job, slots, time, ...tracker.work(), ended };
  };
  /** While a writing hangs there is no other: what it leaves out, the next beat says. */
  const beat = (): void => {
    busy ??= replaceFile(path, recordOf()).finally(() => (busy = undefined));
  };
  const changes = throttle<undefined>(changeMs, beat);
  const timer = setInterval(beat, beatMs).unref();
  changes.push(undefined);

  return {
    handle(event) {
      if (!closed && tracker.handle(event)) changes.push(undefined);
    },
    async close(how) {
      if (closed) return;
      closed = true;
      clearInterval(timer);
      changes.drop();
      const { failures } = tracker.work();
      const end = how ?? tracker.end ?? (failures.length > 0 ? 'failed' : 'finished');
      const last = async (): Promise<void> => {
        await busy;
        // What a queue's worker could not do, whoever drives the run tells.
        if (failures.length > 0 && kind !== 'worker') await replaceFile(path, recordOf(end));
        else await rm(path, { force: true }).catch(() => undefined);
      };
      await Promise.race([last(), sleep(patienceMs, undefined, { ref: false })]);
    },
  };
}

/** Without its command line: there may be secrets in it. */
function ownerOf({ pid, host, started, machine, processStart }: LockOwner): PulseRecord['owner'] {
  return { pid, host, started, machine, processStart };
}

/** Containers may have one name and equal process numbers. */
function pulseName(kind: PulseKind, { host, pid }: PulseRecord['owner'], job: JobId | undefined): string {
  return `${pulseNameOf(kind, job)}${host.replace(/[^\w.-]/g, '_')}-${pid}-${randomBytes(4).toString('hex')}`;
}

/** Never fails: where it cannot be written, it is not. */
async function replaceFile(path: string, record: PulseRecord): Promise<void> {
  const temporary = `${path}.tmp-${randomBytes(4).toString('hex')}`;
  try {
    // Not the run folder: where that was removed it stays so.
    await mkdir(dirname(path)).catch(() => undefined);
    await writeFile(temporary, `${JSON.stringify(record)}\n`);
    await rename(temporary, path);
  } catch {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}
