import { readdir, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { JobPlan } from './contract.ts';
import { outputFolder } from './publish.ts';
import { resumeFolderOf } from './resume-folder.ts';

/** The runner's own files at the top of a run folder. */
const ownNames: ReadonlySet<string> = new Set(['owner.json', '.digests.json', 'events.jsonl']);

const temporary = /^(.+)\.tmp-[0-9a-f]{8}$/;
/** Those of attempts, too: none of this job is alive. */
const ofAttempt = /^(.+)\.tmp-[0-9a-f]{8}(?:\.attempt-[0-9a-f]{8})?$/;

/** Removes the temporary files and folders of dead runs. Call it under the run's lock only: then nobody is working in them. */
export async function removeLeftovers(
  runFolder: string,
  stages: readonly string[],
  jobs: readonly JobPlan[],
): Promise<void> {
  const named = new Set(jobs.flatMap(({ folder }) => folder ?? []));
  await removeFrom(runFolder, (name) => named.has(name) || ownNames.has(name));
  for (const folder of named) await removeFrom(join(runFolder, folder), (name) => name === '.new');
  for (const stage of stages) {
    for (const folder of [join(runFolder, stage), join(runFolder, '.resume', stage)]) {
      await removeFrom(folder, () => true);
      for (const job of await readdir(folder).catch(() => [])) {
        // Somebody elsewhere may be writing in it.
        if (!job.includes('.attempt-')) await removeFrom(join(folder, job), () => true);
      }
    }
  }
}

/** The same of one job, and nothing else: others of its run may be at work. Call it under the job's lock only. */
export async function removeLeftoversOf(runFolder: string, job: JobPlan): Promise<void> {
  const records = join(runFolder, job.id);
  const resume = resumeFolderOf(runFolder, job.id);
  const output = outputFolder(runFolder, job);
  const part = basename(records);
  const isPart = (name: string): boolean => name === part || name === `${part}.fingerprint`;
  await removeFrom(dirname(records), isPart, ofAttempt);
  await removeFrom(dirname(resume), isPart);
  for (const folder of [records, resume]) await removeFrom(folder, () => true);
  if (job.folder === undefined) return;
  await removeFrom(dirname(output), (name) => name === basename(output), ofAttempt);
  await removeFrom(output, (name) => name === '.new', ofAttempt);
}

async function removeFrom(
  folder: string,
  isOurs: (name: string) => boolean,
  pattern = temporary,
): Promise<void> {
  for (const entry of await readdir(folder).catch(() => [])) {
    const name = pattern.exec(entry)?.[1];
    if (name === undefined || !isOurs(name)) continue;
    await rm(join(folder, entry), { recursive: true, force: true });
  }
}
