import { readdir, lstat, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { insideFolder } from '../../../util/atomic.ts';
import { sha256File } from '../../../util/hash.ts';
import { makeFolder } from '../../../util/make-folder.ts';
import type { JobRequest } from '../../executor.ts';
import { outputFolder, unplaced } from '../../publish.ts';
import { setAsideName } from '../../user-files.ts';
import type { Area } from './area.ts';
import { bringFile } from './bring-file.ts';
import { isStoredFile, type StoredFile } from './checkpoint-state.ts';
import { inParallel } from './in-parallel.ts';
import type { Objects } from './objects.ts';

/**
 * What users put beside the outputs of a job whose folder is handed on lies on the controller. The job looks there for what
 * does not fit any more (`JobContext.place`), so descriptions travel to it: files up to this size. Weights and graphs, which
 * nothing reads there, stay.
 */
const largestBytes = 2 ** 20;
const mostFiles = 10_000;
const maxListBytes = 2 ** 24;

export async function offerPlace(
  objects: Objects,
  area: Area,
  runFolder: string,
  request: JobRequest,
): Promise<void> {
  const folder = outputFolder(runFolder, request.job);
  const files = await listSmall(folder);
  await inParallel(files, async (file) => {
    const key = area.object(file.sha256);
    if (!(await objects.has(key, file.sizeBytes)))
      await objects.putFile(key, { ...file, path: join(folder, file.path) });
  });
  await objects.putText(area.place(request.fingerprint), JSON.stringify(files));
}

/** Makes `place` of this side hold those files and no others. */
export async function bringPlace(
  objects: Objects,
  area: Area,
  runFolder: string,
  request: JobRequest,
): Promise<void> {
  const folder = outputFolder(runFolder, request.job);
  const files: unknown = JSON.parse(
    (await objects.getText(area.place(request.fingerprint), maxListBytes)) ?? '[]',
  );
  if (!Array.isArray(files) || !files.every(isStoredFile)) throw new Error('the list of a folder is damaged');
  await rm(folder, { recursive: true, force: true });
  makeFolder(folder);
  await inParallel(files, ({ path, sizeBytes, sha256 }) =>
    bringFile(objects, area.object(sha256), { path: insideFolder(folder, path), sizeBytes, sha256 }),
  );
}

/** The runner removed its own files before the job was asked for: all that is left is a user's. */
async function listSmall(folder: string, below = ''): Promise<StoredFile[]> {
  const found: StoredFile[] = [];
  for (const entry of await readdir(join(folder, below), { withFileTypes: true }).catch(() => [])) {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (path === setAsideName || unplaced.test(path)) continue;
    if (entry.isDirectory()) found.push(...(await listSmall(folder, path)));
    if (!entry.isFile()) continue;
    const full = join(folder, path);
    const { size } = await lstat(full);
    if (size <= largestBytes) found.push({ path, sizeBytes: size, sha256: await sha256File(full) });
    if (found.length >= mostFiles) break;
  }
  return found.slice(0, mostFiles);
}
