import { lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { insideFolder } from '../../../util/atomic.ts';
import { toJobFailure } from '../../job-failure.ts';
import type { JobRequest } from '../../executor.ts';
import type { OutputFile } from '../../outputs.ts';
import type { ControllerStore } from '../contract.ts';
import { areaOf, nameArea, type Area } from './area.ts';
import { bringFile } from './bring-file.ts';
import { isStoredFile } from './checkpoint-state.ts';
import { bringCheckpoint, offerCheckpoint } from './checkpoints.ts';
import { inParallel } from './in-parallel.ts';
import type { Objects } from './objects.ts';
import { offerPlace } from './place-files.ts';
import { brief, impatient } from './retry.ts';
import { storeFailure } from './store-failure.ts';
import { withoutFolder } from './without-folder.ts';

/** The controller's side of an object store. `store`: as in the config; `prefix`: what it says behind the bucket. */
export function objectController(
  objects: Objects,
  {
    store,
    prefix,
    runFolder,
  }: { readonly store: string; readonly prefix: string; readonly runFolder: string },
): ControllerStore {
  let named: Promise<Area> | undefined;
  const area = () => (named ??= nameArea(runFolder).then((folder) => areaOf(prefix, folder)));
  /** What is in the store for certain, as long as nobody complained. */
  const there = new Set<string>();
  const asked = new Set<string>();
  const failed = ({ job }: JobRequest, error: unknown) => ({
    type: 'failed' as const,
    ...(storeFailure(error, objects.place) ?? toJobFailure(job.id, error, runFolder)),
  });

  const offerInputs = async (to: Objects, into: Area, request: JobRequest): Promise<void> => {
    const isAgain = asked.has(request.fingerprint);
    asked.add(request.fingerprint);
    const files = new Map<string, OutputFile & { readonly full: string }>();
    for (const [id, outputs] of Object.entries(request.inputs)) {
      const place = request.published[id];
      if (place === undefined || place === null) continue;
      for (const output of outputs) {
        const full = insideFolder(join(runFolder, place), output.path);
        // A second try of a job may be because of an object that was there once.
        if (isAgain || !there.has(output.sha256)) files.set(output.sha256, { ...output, full });
      }
    }
    await inParallel([...files.values()], async ({ full, sizeBytes, sha256 }) => {
      const key = into.object(sha256);
      if (!(await to.has(key, sizeBytes))) await to.putFile(key, { path: full, sizeBytes, sha256 });
      there.add(sha256);
    });
  };

  return {
    async offer(request, signal) {
      try {
        const into = await area();
        const to = objects.with({ signal });
        await offerInputs(to, into, request);
        await offerCheckpoint(to, into, runFolder, request);
        if (request.job.folder !== undefined) await offerPlace(to, into, runFolder, request);
        return { type: 'offered', ticket: { store, folder: into.folder } };
      } catch (error) {
        return signal?.aborted === true ? { type: 'interrupted' } : failed(request, error);
      }
    },
    async bring(request, reply) {
      try {
        const from = await area();
        if (reply.type !== 'finished') {
          // What is not brought stays in the store: it costs time, no result.
          await bringCheckpoint(objects.with({ waits: brief }), from, runFolder, request).catch(
            () => undefined,
          );
          return reply;
        }
        const folder = join(runFolder, request.folder);
        const outputs = await inParallel(reply.outputs, (output) =>
          bringOutput(objects, from, folder, output),
        );
        for (const { sha256 } of outputs) there.add(sha256);
        await removeAll(objects, from.checkpoint(request.fingerprint, '')).catch(() => undefined);
        return { ...withoutFolder(reply), outputs };
      } catch (error) {
        return failed(request, error);
      }
    },
    async close(emptied) {
      try {
        // Best effort: what could not be removed goes with the next run's end, and a run does not fail by it.
        if (emptied && named !== undefined)
          await removeAll(objects.with({ waits: impatient }), (await area()).prefix).catch(() => undefined);
      } finally {
        objects.close();
      }
    },
  };
}

/** @returns the output with the times that it has here: those of the worker's disk say nothing */
async function bringOutput(
  objects: Objects,
  from: Area,
  folder: string,
  output: OutputFile,
): Promise<OutputFile> {
  if (!isStoredFile(output)) throw new Error('a worker told of an output without size or digest');
  const { path, sizeBytes, sha256 } = output;
  const full = insideFolder(folder, path);
  await bringFile(objects, from.object(sha256), { path: full, sizeBytes, sha256 });
  const { mtimeMs, ctimeMs } = await lstat(full);
  return { path, sizeBytes, mtimeMs, ctimeMs, sha256 };
}

async function removeAll(objects: Objects, prefix: string): Promise<void> {
  await inParallel(await objects.list(prefix), (key) => objects.remove(key), 16);
}
