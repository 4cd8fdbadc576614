import { randomBytes } from 'node:crypto';
import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobId } from './contract.ts';
import { isAlive } from './lock-owner.ts';
import { pulseNameOf, pulseSchema, statusFolder, type PulseRecord } from './pulse-record.ts';

/** What was said by a process at work, or by one that is gone. */
export interface HeardPulse {
  readonly file: string;
  readonly record: PulseRecord;
  /** Seconds since it was written. */
  readonly age: number;
  readonly alive: boolean;
}

/** Twelve beats were missed, and a folder on a network may be shown as it was half a minute ago. */
const silentSeconds = 60;

/**
 * All pulses of a run folder, the oldest process first. What cannot be read is left out.
 *
 * A process of this machine is asked whether it lives. Of another one the age of its file tells, and that by the clock of
 * the server that keeps it: clocks of machines differ.
 *
 * @param begin only files whose name begins so
 */
export async function readPulses(runFolder: string, begin = ''): Promise<readonly HeardPulse[]> {
  const folder = statusFolder(runFolder);
  const all = await readdir(folder).catch(() => []);
  const names = all.filter((name) => isPulse.test(name) && name.startsWith(begin));
  if (names.length === 0) return [];
  const found = await Promise.all(names.map((name) => readPulse(join(folder, name))));
  const pulses = found.filter((pulse) => pulse !== undefined);
  const now = await folderTime(folder, pulses);
  return pulses
    .map(({ file, record, mtimeMs }) => {
      const age = Math.max(0, (now - mtimeMs) / 1000);
      const alive = record.ended === undefined && (isAlive(record.owner) ?? age <= silentSeconds);
      return { file, record, age, alive };
    })
    .sort((a, b) => a.record.owner.started.localeCompare(b.record.owner.started));
}

/**
 * Removes what dead and ended processes left: all of it at a run's start, or what was about one job at that job's. Call it under
 * the lock of the run or of the job. Never fails.
 */
export async function clearPulses(runFolder: string, job?: JobId): Promise<void> {
  const folder = statusFolder(runFolder);
  const begin = job === undefined ? '' : pulseNameOf('run-job', job);
  for (const { file, record, alive } of await readPulses(runFolder, begin).catch(() => [])) {
    if (alive || (job !== undefined && record.job !== job)) continue;
    await rm(file, { force: true }).catch(() => undefined);
  }
  if (job !== undefined) return;
  const now = await folderTime(folder, []);
  for (const name of await readdir(folder).catch(() => [])) {
    if (!/\.tmp-[0-9a-f]{8}$/.test(name)) continue;
    const file = join(folder, name);
    const found = await stat(file).catch(() => undefined);
    if (found === undefined || now - found.mtimeMs < silentSeconds * 1000) continue;
    await rm(file, { force: true }).catch(() => undefined);
  }
}

const isPulse = /^(run|run-job|worker)-.*\.json$/;

interface Found {
  readonly file: string;
  readonly record: PulseRecord;
  readonly mtimeMs: number;
}

async function readPulse(file: string): Promise<Found | undefined> {
  try {
    const [text, { mtimeMs }] = await Promise.all([readFile(file, 'utf8'), stat(file)]);
    const { success, data } = pulseSchema.safeParse(JSON.parse(text));
    return success ? { file, record: data, mtimeMs } : undefined;
  } catch {
    return undefined;
  }
}

/**
 * The time by the clock that stamps the files of a folder, in ms: of a file that is written for it. That also makes a
 * client of a network folder look anew. Where nothing may be written this machine's clock must do, or the newest file's time if
 * that is later.
 */
async function folderTime(folder: string, pulses: readonly Found[]): Promise<number> {
  const probe = join(folder, `.clock.tmp-${randomBytes(4).toString('hex')}`);
  const newest = Math.max(0, ...pulses.map(({ mtimeMs }) => mtimeMs));
  try {
    await writeFile(probe, '.', { flag: 'wx' });
    return Math.max(newest, (await stat(probe)).mtimeMs);
  } catch {
    return Math.max(newest, Date.now());
  } finally {
    await rm(probe, { force: true }).catch(() => undefined);
  }
}
