import { join } from 'node:path';
import type { JobRequest } from '../../executor.ts';
import type { Area } from './area.ts';
import { bringState, readState, readTag, writeState, writeTag, type StoredFile } from './checkpoint-state.ts';
import { inParallel } from './in-parallel.ts';
import type { Objects } from './objects.ts';
import { brief } from './retry.ts';
import { takeSnapshot, type Snapshot } from './snapshot.ts';
import { ObjectMissing } from './store-failure.ts';

type Which = Pick<JobRequest, 'fingerprint' | 'resumeFolder'>;

/** Of one job that somebody has taken: its checkpoint, from time to time. */
export interface CheckpointKeeper {
  /** Saves what is there now, if it is new and the job was not taken by somebody else. @returns whether it is ours still */
  save(): Promise<boolean>;
}

/**
 * Takes a job over: its checkpoint is in `request.resumeFolder` then, where there is one. Files that lie there already stay
 * where they are of the state that the store has (the same worker goes on, and may be further), and where the store has none.
 */
export async function claimCheckpoint(
  objects: Objects,
  area: Area,
  runFolder: string,
  request: Which,
): Promise<CheckpointKeeper> {
  const { fingerprint } = request;
  const folder = join(runFolder, request.resumeFolder);
  const state = await readState(objects, area, fingerprint);
  const tag = await readTag(folder, fingerprint);
  let files = state?.files ?? [];
  if (tag === undefined || (state !== undefined && tag.id !== state.id)) {
    try {
      await bringState(objects, area, request, folder, state);
    } catch (error) {
      // Exchanged by somebody late while it came, or damaged: the job begins anew rather than not at all.
      if (!(error instanceof ObjectMissing)) throw error;
      files = [];
      await bringState(objects, area, request, folder, undefined);
    }
  }
  let id = await writeState(objects, area, fingerprint, files);
  await writeTag(folder, fingerprint, id);
  let saved = '';
  // Whoever is to stop has little time; what is not saved now is saved the next time.
  const hasty = objects.with({ waits: brief, signal: undefined });
  return {
    async save() {
      const snapshot = await takeSnapshot(folder, (signature) => signature === saved);
      if (snapshot === undefined) return true;
      try {
        const now = await readState(hasty, area, fingerprint);
        if (now !== undefined && now.id !== id) return false;
        id = await store(hasty, area, fingerprint, snapshot, now?.files ?? []);
        await writeTag(folder, fingerprint, id);
        saved = snapshot.signature;
        return true;
      } finally {
        await snapshot.dispose();
      }
    },
  };
}

/** The controller's own checkpoint, e.g. of an interrupted run without workers: sent unless the store has one. */
export async function offerCheckpoint(
  objects: Objects,
  area: Area,
  runFolder: string,
  { fingerprint, resumeFolder }: Which,
): Promise<void> {
  const folder = join(runFolder, resumeFolder);
  const snapshot = await takeSnapshot(folder);
  if (snapshot === undefined) return;
  try {
    const state = await readState(objects, area, fingerprint);
    if (state !== undefined && state.files.length > 0) return;
    await writeTag(folder, fingerprint, await store(objects, area, fingerprint, snapshot, []));
  } finally {
    await snapshot.dispose();
  }
}

/** Whatever a worker saved of a job that did not come to its end, so that the run can go on without workers, too. */
export async function bringCheckpoint(
  objects: Objects,
  area: Area,
  runFolder: string,
  request: Which,
): Promise<void> {
  const folder = join(runFolder, request.resumeFolder);
  const state = await readState(objects, area, request.fingerprint);
  if (state === undefined || state.files.length === 0) return;
  if ((await readTag(folder, request.fingerprint))?.id === state.id) return;
  await bringState(objects, area, request, folder, state);
  await writeTag(folder, request.fingerprint, state.id);
}

/** Files, then the state that names them, then away with those that only the state before it named. */
async function store(
  objects: Objects,
  area: Area,
  fingerprint: string,
  { files }: Snapshot,
  before: readonly StoredFile[],
): Promise<string> {
  const there = new Set(before.map(({ sha256 }) => sha256));
  await inParallel(
    files.filter(({ sha256 }) => !there.has(sha256)),
    ({ full, sizeBytes, sha256 }) =>
      objects.putFile(area.checkpoint(fingerprint, sha256), { path: full, sizeBytes, sha256 }),
  );
  const plain = files.map(({ path, sizeBytes, sha256 }): StoredFile => ({ path, sizeBytes, sha256 }));
  const id = await writeState(objects, area, fingerprint, plain);
  const kept = new Set(plain.map(({ sha256 }) => sha256));
  await inParallel(
    [...there].filter((sha256) => !kept.has(sha256)),
    (sha256) => objects.remove(area.checkpoint(fingerprint, sha256)),
  );
  return id;
}
