import type { SplitName } from '../../../datasets/contract.ts';
import type { JobId, JobPlan } from '../../runner/contract.ts';
import { commonFiles, splitFile, splitsJob, teacherCheckJob, teacherJob } from './artefacts.ts';

/** What is read, by job: names of files. None: the job only has to have succeeded. */
export type Files = Readonly<Record<JobId, readonly string[]>>;

/** The jobs that a job needs and those that it wants, each with the files it reads of them. */
export function reads(needs: Files, wants?: Files): Pick<JobPlan, 'needs' | 'wants' | 'reads'> {
  return {
    needs: Object.keys(needs),
    ...(wants && { wants: Object.keys(wants) }),
    reads: { ...needs, ...wants },
  };
}

/** The same files of several jobs. */
export function ofEach(jobs: readonly JobId[], ...files: string[]): Files {
  return Object.fromEntries(jobs.map((job) => [job, files]));
}

/** Splits, and what else the data stage wrote. */
export function splitFiles(names: readonly SplitName[], ...others: string[]): Files {
  return { [splitsJob]: [...names.map(splitFile), ...others] };
}

export const teacherFiles: Files = { [teacherJob]: [commonFiles.teacher, commonFiles.teacherInfo] };

/** The teacher is worth compressing; how good it is changes nothing. */
export const checked: Files = { [teacherCheckJob]: [] };
