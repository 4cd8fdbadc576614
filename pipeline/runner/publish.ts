import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeJsonAtomic } from '../util/atomic.ts';
import type { Json, Sha256 } from '../util/hash.ts';
import { stageNames, type JobId } from './contract.ts';
import type { Fingerprint, FingerprintData } from './fingerprint.ts';
import { doneFile, type OutputFile } from './outputs.ts';

/**
 * How a job's folder comes to be. The order is the design: the old `done.json` goes before anything else, the work is
 * done in a folder beside it, that is renamed into place, and the new `done.json` is written last. So a crash at any
 * moment leaves a job that is missing, never one that looks done.
 */
export interface DoneRecord {
  readonly format: 1;
  readonly job: JobId;
  readonly fingerprint: Fingerprint;
  /** What the fingerprint was made of: tells later *why* a job is stale. */
  readonly madeFrom: FingerprintData;
  readonly outputsSha256: Sha256;
  readonly outputs: readonly OutputFile[];
  readonly seconds: number;
  readonly finishedAt: string;
  readonly engineVersion: string | null;
  readonly summary: Json;
  readonly warnings: readonly string[];
}

export function jobFolder(runFolder: string, id: JobId): string {
  return join(runFolder, id);
}

/** @returns undefined where the job never finished, or its record cannot be read. */
export async function readDoneRecord(runFolder: string, id: JobId): Promise<DoneRecord | undefined> {
  try {
    const text = await readFile(join(jobFolder(runFolder, id), doneFile), 'utf8');
    const record = JSON.parse(text) as DoneRecord;
    return record.format === 1 ? record : undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof SyntaxError || code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Makes the job "not done". Its outputs stay until its work begins. */
export async function invalidateJob(runFolder: string, id: JobId): Promise<void> {
  await rm(join(jobFolder(runFolder, id), doneFile), { force: true });
}

/** Removes what the job left before and gives a fresh temporary folder beside its place. */
export async function startJobFolder(runFolder: string, id: JobId): Promise<string> {
  const folder = jobFolder(runFolder, id);
  await invalidateJob(runFolder, id);
  await rm(folder, { recursive: true, force: true });
  const temporary = `${folder}.tmp-${randomBytes(4).toString('hex')}`;
  await mkdir(temporary, { recursive: true });
  return temporary;
}

/** Renames the temporary folder into the job's place. Not done yet: `recordDone` comes next. */
export async function placeJobFolder(runFolder: string, id: JobId, temporary: string): Promise<void> {
  const folder = jobFolder(runFolder, id);
  await flushFolder(temporary);
  await rename(temporary, folder);
  await flushFolder(dirname(folder));
}

export async function recordDone(runFolder: string, record: DoneRecord): Promise<void> {
  const folder = jobFolder(runFolder, record.job);
  await writeJsonAtomic(join(folder, doneFile), record);
  await flushFolder(folder);
}

/** Removes the temporary folders of dead runs. Call it under the run's lock only: then nobody is working in them. */
export async function removeLeftovers(runFolder: string): Promise<void> {
  for (const stage of stageNames) {
    const entries = await readdir(join(runFolder, stage)).catch(() => []);
    for (const entry of entries) {
      if (entry.includes('.tmp-')) await rm(join(runFolder, stage, entry), { recursive: true, force: true });
    }
  }
}

/** Makes a rename survive a power cut. Some systems cannot open folders; there the file system's own order must do. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  if (handle === undefined) return;
  await handle.sync().catch(() => undefined);
  await handle.close();
}
