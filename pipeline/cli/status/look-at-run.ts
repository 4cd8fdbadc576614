import { readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readPlanRecord, type PlanRecord } from '../../runner/plan-record.ts';
import { readPulses } from '../../runner/read-pulses.ts';
import { diskUse } from './disk-use.ts';
import { judgeRun } from './judge-run.ts';
import { doneReader } from './read-done.ts';
import { logReader } from './read-log.ts';
import type { RunStatus } from './run-status.ts';

/** Of the time, walking through the folder takes one part in so many. */
const diskShare = 50;

/** Gives how a run stands, as often as it is called; reads only. */
export function runLooker(folder: string): () => Promise<RunStatus> {
  const readDone = doneReader(folder);
  const readLogs = logReader(folder);
  let disk: RunStatus['disk'] = { usedBytes: 0 };
  let nextDisk = -Infinity;
  return async () => {
    // Who is at work first: what he finishes meanwhile is found done.
    const pulses = await readPulses(folder);
    const plan = (await readPlanRecord(folder)) ?? (await planFromFolders(folder));
    const [done, logs] = [await readDone(plan.jobs.map(({ id }) => id)), await readLogs()];
    if (performance.now() >= nextDisk) {
      const begun = performance.now();
      disk = await diskUse(folder);
      nextDisk = begun + diskShare * (performance.now() - begun);
    }
    return judgeRun({ run: basename(folder), folder, plan, done, pulses, logs, disk, now: Date.now() });
  };
}

/** Of a run of an earlier version, or whose plan was not written: the jobs that left something. */
async function planFromFolders(folder: string): Promise<PlanRecord> {
  const jobs: PlanRecord['jobs'] = [];
  for (const stage of await foldersIn(folder)) {
    for (const part of await foldersIn(join(folder, stage))) {
      const isDone = await stat(join(folder, stage, part, 'done.json')).catch(() => undefined);
      if (isDone === undefined) continue;
      const id = `${stage}/${part}`;
      jobs.push({
        id,
        stage,
        needs: [],
        wants: [],
        seconds: 0,
        exclusive: false,
        selected: true,
        state: 'fresh',
      });
    }
  }
  const stages = [...new Set(jobs.map(({ stage }) => stage))];
  return { format: 1, id: '', engine: '', time: '', stages, jobs };
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries.flatMap((entry) => (entry.isDirectory() && !entry.name.startsWith('.') ? [entry.name] : []));
}
