import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { writeJsonAtomic } from '../util/atomic.ts';
import { hashJson, type Json } from '../util/hash.ts';
import type { JobId } from './contract.ts';
import type { FileDigests } from './file-digests.ts';
import type { Plan } from './plan.ts';
import { statusFolder } from './pulse-record.ts';
import { inspectPlan, type JobStatus } from './states.ts';

/** What a run folder tells of the run that is at work in it, or was: for `status`, which has no config. */
const planSchema = z.object({
  format: z.literal(1),
  /** Equal for equal plans. */
  id: z.string(),
  engine: z.string(),
  /** When it was written. */
  time: z.string(),
  /** What whoever started it tells of the run, for its report. */
  about: z.unknown().optional(),
  /** In the order data flows through them. */
  stages: z.array(z.string()),
  jobs: z.array(
    z.object({
      id: z.string(),
      stage: z.string(),
      needs: z.array(z.string()),
      wants: z.array(z.string()),
      /** Estimated. */
      seconds: z.number(),
      exclusive: z.boolean(),
      /** False: left out by `--only`. */
      selected: z.boolean(),
      /** Before the work. */
      state: z.enum(['fresh', 'missing', 'stale', 'may-run', 'resumable']),
      /** `finishedAt` of what lay there before the work: another one is this run's. */
      finishedAt: z.string().optional(),
    }),
  ),
});

export type PlanRecord = Readonly<z.infer<typeof planSchema>>;

/** A run's plan as it starts. A folder that takes no files stops no run here. */
export async function writePlanRecord(
  runFolder: string,
  plan: Plan,
  statuses: ReadonlyMap<JobId, JobStatus>,
  about?: Json,
): Promise<void> {
  const record = { ...recordOf(plan, statuses), ...(about !== undefined && { about }) };
  await writeJsonAtomic(placeOf(runFolder), record).catch(() => undefined);
}

/** The same of a job by itself: the first of them writes it, and one of another plan. */
export async function keepPlanRecord(runFolder: string, plan: Plan, digests: FileDigests): Promise<void> {
  const before = await readPlanRecord(runFolder);
  if (before?.id === idOf(plan)) return;
  await writePlanRecord(
    runFolder,
    plan,
    await inspectPlan(plan, runFolder, digests),
    before?.about as Json | undefined,
  );
}

/** @returns undefined where there is none that can be read */
export async function readPlanRecord(runFolder: string): Promise<PlanRecord | undefined> {
  try {
    return planSchema.safeParse(JSON.parse(await readFile(placeOf(runFolder), 'utf8'))).data;
  } catch {
    return undefined;
  }
}

function placeOf(runFolder: string): string {
  return join(statusFolder(runFolder), 'plan.json');
}

function recordOf(plan: Plan, statuses: ReadonlyMap<JobId, JobStatus>): PlanRecord {
  return {
    format: 1,
    id: idOf(plan),
    engine: plan.engine,
    time: new Date().toISOString(),
    stages: [...plan.stages],
    jobs: plan.jobs.map(({ job, stage, selected }) => {
      const { state = 'missing', record } = statuses.get(job.id) ?? {};
      return {
        id: job.id,
        stage,
        needs: [...job.needs],
        wants: [...(job.wants ?? [])],
        seconds: job.estimate.seconds,
        exclusive: job.exclusive ?? false,
        selected,
        state,
        finishedAt: record?.finishedAt,
      };
    }),
  };
}

function idOf({ engine, jobs }: Plan): string {
  return hashJson({
    engine,
    jobs: jobs.map(({ job, stageVersion, selected }) => [
      job.id,
      selected,
      stageVersion,
      [...job.needs],
      [...(job.wants ?? [])],
      job.settings,
    ]),
  });
}
