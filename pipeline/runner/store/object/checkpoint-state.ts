import { randomUUID } from 'node:crypto';
import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { insideFolder, writeFileAtomic } from '../../../util/atomic.ts';
import { makeFolder } from '../../../util/make-folder.ts';
import { isRecord } from '../../../util/foreign-value.ts';
import type { Sha256 } from '../../../util/hash.ts';
import type { JobRequest } from '../../executor.ts';
import type { Area } from './area.ts';
import { bringFile } from './bring-file.ts';
import { inParallel } from './in-parallel.ts';
import type { Objects } from './objects.ts';

/**
 * The checkpoint of a job in the store: `state.json` names its files, which lie beside it under their digests. Each who takes the job writes a
 * state of its own (`claim`): whoever was lost and comes back finds another's and saves no more.
 */
export interface CheckpointState {
  readonly format: 1;
  readonly id: string;
  readonly files: readonly StoredFile[];
}

export interface StoredFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly sha256: Sha256;
}

/** In a resume folder: of which state its files are, or have come from. */
export const tagFile = '.stored';

const stateName = 'state.json';
const maxStateBytes = 2 ** 22;

export async function readState(
  objects: Objects,
  area: Area,
  fingerprint: string,
): Promise<CheckpointState | undefined> {
  const text = await objects.getText(area.checkpoint(fingerprint, stateName), maxStateBytes);
  if (text === undefined) return undefined;
  try {
    const state: unknown = JSON.parse(text);
    return isState(state) ? state : undefined;
  } catch {
    return undefined;
  }
}

/** Makes `files` the job's checkpoint. @returns the state's id */
export async function writeState(
  objects: Objects,
  area: Area,
  fingerprint: string,
  files: readonly StoredFile[],
): Promise<string> {
  const state: CheckpointState = { format: 1, id: randomUUID(), files };
  await objects.putText(area.checkpoint(fingerprint, stateName), JSON.stringify(state));
  return state.id;
}

/** @returns the state that the files of a resume folder are of; undefined where they are of another job, or nobody knows */
export async function readTag(folder: string, fingerprint: string): Promise<{ id: string } | undefined> {
  const text = await readFile(join(folder, tagFile), 'utf8').catch(() => '');
  const [of, id] = text.split(' ');
  return of === fingerprint && id !== undefined ? { id } : undefined;
}

export async function writeTag(folder: string, fingerprint: string, id: string): Promise<void> {
  await writeFileAtomic(join(folder, tagFile), `${fingerprint} ${id}`);
}

/** Exchanges what is in `folder` for the files of a state. The tag is written by the caller, last. */
export async function bringState(
  objects: Objects,
  area: Area,
  { fingerprint }: Pick<JobRequest, 'fingerprint'>,
  folder: string,
  state: CheckpointState | undefined,
): Promise<void> {
  await empty(folder);
  await inParallel(state?.files ?? [], ({ path, ...file }) =>
    bringFile(objects, area.checkpoint(fingerprint, file.sha256), {
      ...file,
      path: insideFolder(folder, path),
    }),
  );
}

/** The tag goes first: what is half removed, or half brought, is no checkpoint. */
export async function empty(folder: string): Promise<void> {
  await rm(join(folder, tagFile), { force: true });
  makeFolder(folder);
  for (const name of await readdir(folder)) await rm(join(folder, name), { recursive: true, force: true });
}

function isState(value: unknown): value is CheckpointState {
  return (
    isRecord(value) &&
    value.format === 1 &&
    typeof value.id === 'string' &&
    Array.isArray(value.files) &&
    value.files.every(isStoredFile)
  );
}

export function isStoredFile(value: unknown): value is StoredFile {
  if (!isRecord(value)) return false;
  const { path, sizeBytes, sha256 } = value;
  return (
    typeof path === 'string' &&
    Number.isSafeInteger(sizeBytes) &&
    Number(sizeBytes) >= 0 &&
    typeof sha256 === 'string' &&
    /^[0-9a-f]{64}$/.test(sha256)
  );
}
