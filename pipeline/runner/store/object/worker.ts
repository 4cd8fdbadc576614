import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { insideFolder } from '../../../util/atomic.ts';
import { makeFolder } from '../../../util/make-folder.ts';
import type { JobReply, JobRequest } from '../../executor.ts';
import { openFileDigests, type FileDigests } from '../../file-digests.ts';
import { toJobFailure } from '../../job-failure.ts';
import type { OutputFile } from '../../outputs.ts';
import type { WorkerStore } from '../contract.ts';
import type { Area } from './area.ts';
import { bringFile } from './bring-file.ts';
import { empty, isStoredFile } from './checkpoint-state.ts';
import { claimCheckpoint } from './checkpoints.ts';
import { inParallel } from './in-parallel.ts';
import { keepSaving } from './keep-saving.ts';
import type { Objects } from './objects.ts';
import { bringPlace } from './place-files.ts';
import { storeFailure } from './store-failure.ts';
import { withoutFolder } from './without-folder.ts';

/** How long work may be lost that a worker takes with it, beside the job's own interval. */
const saveEveryMs = 120_000;

/**
 * A worker's side of an object store. Files of finished jobs are kept in its folder for the next jobs, and trusted by size and
 * digest alone; a digest is read once for as long as the system says that the file is the same.
 */
export async function objectWorker(
  objects: Objects,
  area: Area,
  runFolder: string,
  everyMs = saveEveryMs,
): Promise<WorkerStore> {
  const digests = await openFileDigests(runFolder);
  const coming = new Map<string, Promise<void>>();

  const bringInput = (from: Objects, full: string, output: OutputFile): Promise<void> => {
    const { sizeBytes, sha256 } = output;
    // Two slots that need one file wait for it together.
    const key = `${full} ${sha256}`;
    const known = coming.get(key);
    if (known !== undefined) return known;
    const promise = (async () => {
      if (await isThere(digests, full, output)) return;
      await bringFile(from, area.object(sha256), { path: full, sizeBytes, sha256 });
    })().finally(() => coming.delete(key));
    coming.set(key, promise);
    return promise;
  };

  return {
    runFolder,
    leaves: true,
    async perform(request, work, signal) {
      const failed = (error: unknown): JobReply => ({
        type: 'failed',
        ...(storeFailure(error, objects.place) ?? toJobFailure(request.job.id, error, runFolder)),
      });
      const files = inputFiles(request, runFolder);
      const from = objects.with({ signal });
      let checkpoint;
      try {
        makeFolder(join(runFolder, request.folder));
        for (const place of Object.values(request.published))
          if (place !== null) makeFolder(join(runFolder, place));
        await inParallel(files, ({ full, output }) => bringInput(from, full, output));
        if (request.job.folder !== undefined) await bringPlace(from, area, runFolder, request);
        checkpoint = await claimCheckpoint(from, area, runFolder, request);
        signal?.throwIfAborted();
      } catch (error) {
        return signal?.aborted === true ? { type: 'interrupted' } : failed(error);
      }
      const keeping = keepSaving(checkpoint, everyMs);
      const reply = await work().finally(() => keeping.stop());
      if (reply.type !== 'finished') {
        await keeping.last();
        return reply;
      }
      try {
        for (const { full, output } of files) {
          if (!(await isThere(digests, full, output))) return changedMeanwhile(request, full);
        }
        const folder = join(runFolder, reply.folder ?? request.folder);
        await inParallel(reply.outputs, async ({ path, sizeBytes, sha256 }) => {
          const key = area.object(sha256);
          if (await objects.has(key, sizeBytes)) return;
          await objects.putFile(key, { path: insideFolder(folder, path), sizeBytes, sha256 });
        });
        // The job is done: nobody goes on from there.
        await empty(join(runFolder, request.resumeFolder));
        return withoutFolder(reply);
      } catch (error) {
        return failed(error);
      }
    },
  };
}

interface InputFile {
  readonly full: string;
  readonly output: OutputFile;
}

function inputFiles({ published, inputs }: JobRequest, runFolder: string): InputFile[] {
  return Object.entries(inputs).flatMap(([id, outputs]) => {
    const place = published[id];
    if (place === undefined || place === null) return [];
    return outputs.map((output) => {
      if (!isStoredFile(output)) throw new Error('an input without size or digest');
      return { full: insideFolder(insideFolder(runFolder, place), output.path), output };
    });
  });
}

async function isThere(
  digests: FileDigests,
  full: string,
  { sizeBytes, sha256 }: OutputFile,
): Promise<boolean> {
  const found = await lstat(full).catch(() => undefined);
  return found?.isFile() === true && found.size === sizeBytes && (await digests.digest(full)) === sha256;
}

/** Of another try of the run with other settings, by another process of this machine. */
function changedMeanwhile({ job }: JobRequest, full: string): JobReply {
  const failure = {
    reason: 'file-invalid' as const,
    subject: full,
    found: `it was exchanged while ${job.id} may have read it`,
    next: 'the job is done again',
  };
  return { type: 'failed', failure, passing: true };
}
