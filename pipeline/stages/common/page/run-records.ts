import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { splitNames, type SplitName } from '../../../../datasets/contract.ts';
import { doneFile } from '../../../runner/outputs.ts';
import type { JobId } from '../../../runner/contract.ts';
import { readPlanRecord } from '../../../runner/plan-record.ts';
import { hashJson, type Json } from '../../../util/hash.ts';
import { splitFile, splitsJob, teacherCheckJob, teacherJob } from '../artefacts.ts';
import { readAbout, type AboutRun } from './about-run.ts';

/** What a job's `done.json` says, as far as reports tell it. */
const recordSchema = z.object({
  engine: z.string().nullable().catch(null),
  finishedAt: z.string().catch(''),
  madeFrom: z.object({
    engine: z.string().nullable().catch(null),
    settings: z.looseObject({}).catch({}),
    files: z.array(z.string()).catch([]),
  }),
  outputs: z.array(z.object({ path: z.string(), sha256: z.string() })).catch([]),
  summary: z.looseObject({}).catch({}),
});

export type JobRecord = Readonly<z.infer<typeof recordSchema>>;

const splitSchema = z.object({ items: z.array(z.unknown()), sha256: z.string() });

/** What every run has, whatever its method, as far as it came. */
export interface RunRecords {
  /** The name of its folder. */
  readonly name: string;
  readonly about?: AboutRun | undefined;
  readonly config?: { readonly sha256: string } | undefined;
  readonly data?: JobRecord | undefined;
  readonly teacher?: JobRecord | undefined;
  readonly check?: JobRecord | undefined;
  readonly splits: readonly { readonly name: SplitName; readonly images: number; readonly sha256: string }[];
}

/** Reads what is there; what is missing or not as it should be is left out. @param runFolder absolute */
export async function readRunRecords(runFolder: string): Promise<RunRecords> {
  const [plan, data, teacher, check] = await Promise.all([
    readPlanRecord(runFolder),
    readJobRecord(runFolder, splitsJob),
    readJobRecord(runFolder, teacherJob),
    readJobRecord(runFolder, teacherCheckJob),
  ]);
  const splits = await Promise.all(
    splitNames.map(async (name) => {
      const split = await readAs(join(runFolder, splitsJob, splitFile(name)), splitSchema);
      return split === undefined ? [] : [{ name, images: split.items.length, sha256: split.sha256 }];
    }),
  );
  const about = readAbout(plan?.about);
  return {
    name: basename(runFolder),
    about,
    config: about && { sha256: hashJson(about.config as Json) },
    ...{ data, teacher, check, splits: data === undefined ? [] : splits.flat() },
  };
}

/** @returns undefined where the job is not done, or its record is not to be understood */
export function readJobRecord(runFolder: string, job: JobId): Promise<JobRecord | undefined> {
  return readAs(join(runFolder, job, doneFile), recordSchema);
}

/** SHA-256 of the teacher's weights, as they were used. @param teacher what its job left */
export function weightsOf(teacher: JobRecord | undefined): string | undefined {
  return teacher?.outputs.find(({ path }) => path.endsWith('.safetensors'))?.sha256;
}

async function readAs<T>(path: string, schema: z.ZodType<T>): Promise<T | undefined> {
  try {
    return schema.safeParse(JSON.parse(await readFile(path, 'utf8'))).data;
  } catch {
    return undefined;
  }
}
