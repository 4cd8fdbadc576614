import { randomBytes } from 'node:crypto';
import { lstat, open, readFile, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { writeJsonAtomic } from '../util/atomic.ts';
import { makeFolder } from '../util/make-folder.ts';
import type { Json, Sha256 } from '../util/hash.ts';
import type { JobId, JobPlan } from './contract.ts';
import type { Fingerprint, FingerprintData } from './fingerprint.ts';
import { doneFile, type OutputFile } from './outputs.ts';
import { leadsToFolder, placeAmong, removeOwn, type Moved, type Unfit } from './user-files.ts';

/**
 * How a job's folder comes to be. The order is the design: the old `done.json` goes before anything else, the work is
 * done in a folder beside it, that is renamed into place, and the new `done.json` is written last. So a crash at any
 * moment leaves a job that is missing, never one that looks done.
 *
 * A folder that is handed on is shared with its user (`user-files.ts`): of that one `outputs.json`, beside `done.json`, says
 * what the runner wrote into it, or is about to, at every moment when there is no `done.json` to say so, and
 * `set-aside.json` what of the user's it moved and has not told yet.
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
  readonly engine: string | null;
  readonly summary: Json;
  readonly warnings: readonly string[];
}

/** Where a job's output is published, and where it is read: below the run folder. */
export function outputPlace({ id, folder }: Pick<JobPlan, 'id' | 'folder'>): string {
  return folder ?? id;
}

export function outputFolder(runFolder: string, job: Pick<JobPlan, 'id' | 'folder'>): string {
  return join(runFolder, outputPlace(job));
}

/** `done.json` always lies under the job's id: a folder that is handed on holds nothing of this machine. */
function recordFolder(runFolder: string, id: JobId): string {
  return join(runFolder, id);
}

/** @returns undefined where the job never finished, or its record cannot be read. */
export async function readDoneRecord(runFolder: string, id: JobId): Promise<DoneRecord | undefined> {
  const record = await readRecord<DoneRecord>(join(recordFolder(runFolder, id), doneFile));
  return record?.format === 1 ? record : undefined;
}

/** What the runner wrote into the job's folder, as far as it is known. */
export async function readOwnOutputs(runFolder: string, id: JobId): Promise<readonly OutputFile[]> {
  const own = join(recordFolder(runFolder, id), ownFile);
  const record =
    (await readDoneRecord(runFolder, id)) ?? (await readRecord<Pick<DoneRecord, 'outputs'>>(own));
  return record?.outputs ?? [];
}

const ownFile = 'outputs.json';
const movedFile = 'set-aside.json';

/** Where a handed-on folder is a link, the work is done in what it leads to: a rename does not leave its disk. */
export const unplaced = /^\.new\.tmp-[0-9a-f]{8}(\.attempt-[0-9a-f]{8})?$/;

async function readRecord<T>(path: string): Promise<T | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as T;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (error instanceof SyntaxError || code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Makes the job "not done". Its outputs stay until its work begins, and of a shared folder it stays known which they are. */
export async function invalidateJob(
  runFolder: string,
  { id, folder }: Pick<JobPlan, 'id' | 'folder'>,
): Promise<void> {
  const records = recordFolder(runFolder, id);
  const done = join(records, doneFile);
  if (folder !== undefined && (await readDoneRecord(runFolder, id)) !== undefined) {
    await rm(join(records, movedFile), { force: true });
    await rename(done, join(records, ownFile));
  }
  await rm(done, { force: true });
}

/** Removes what the job left before, never what a user did, and gives a fresh temporary folder beside its place. */
export async function startJobFolder(runFolder: string, job: JobPlan): Promise<string> {
  const folder = outputFolder(runFolder, job);
  await invalidateJob(runFolder, job);
  if (job.folder === undefined) await rm(folder, { recursive: true, force: true });
  else await removeOwn(folder, await readOwnOutputs(runFolder, job.id));
  const isLink = job.folder !== undefined && (await isLinkToFolder(folder));
  const temporary = `${isLink ? join(folder, '.new') : folder}.tmp-${randomBytes(4).toString('hex')}`;
  makeFolder(temporary);
  return temporary;
}

/**
 * Renames the temporary folder into the job's place. Not done yet: `recordDone` comes next.
 * @param wrote what lies in `temporary`, and what in a shared folder does not fit it
 * @returns a sentence for everything of a user's that was moved, now or by a publication that did not come to its end
 */
export async function placeJobFolder(
  runFolder: string,
  job: JobPlan,
  temporary: string,
  wrote: { readonly outputs: readonly OutputFile[]; readonly unfit?: readonly Unfit[] | undefined },
): Promise<string[]> {
  const folder = outputFolder(runFolder, job);
  await flushFolder(temporary);
  const moved: Moved[] = [];
  if (job.folder === undefined) await rename(temporary, folder);
  else {
    const records = recordFolder(runFolder, job.id);
    await writeJsonAtomic(join(records, ownFile), { outputs: wrote.outputs });
    for (const item of (await readRecord<Moved[]>(join(records, movedFile))) ?? []) {
      // It is listed before it is moved.
      if ((await lstat(join(runFolder, item.to)).catch(() => undefined)) !== undefined) moved.push(item);
    }
    await placeAmong(temporary, folder, wrote.unfit ?? [], async (item) => {
      moved.push(item);
      await writeJsonAtomic(join(records, movedFile), moved);
    });
  }
  await flushFolder(dirname(folder));
  return moved.map(({ told }) => told);
}

async function isLinkToFolder(path: string): Promise<boolean> {
  const found = await lstat(path).catch(() => undefined);
  return found?.isSymbolicLink() === true && (await leadsToFolder(path));
}

export async function recordDone(runFolder: string, record: DoneRecord): Promise<void> {
  const folder = recordFolder(runFolder, record.job);
  await writeJsonAtomic(join(folder, doneFile), record);
  for (const name of [ownFile, movedFile]) await rm(join(folder, name), { force: true });
  await flushFolder(folder);
}

/** Makes a rename survive a power cut. Some systems cannot open folders; there the file system's own order must do. */
async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  if (handle === undefined) return;
  await handle.sync().catch(() => undefined);
  await handle.close();
}
