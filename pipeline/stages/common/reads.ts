import type { SplitName } from '../../../datasets/contract.ts';
import type { JobId, JobPlan } from '../../runner/contract.ts';
import { isClassifier, type Architecture } from '../../model/architecture.ts';
import type { PlanInput } from './plan-input.ts';
import {
  commonFiles,
  splitFile,
  splitsJob,
  teacherCheckJob,
  teacherIndexJob,
  teacherJob,
} from './artefacts.ts';

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

const teacher = [commonFiles.teacher, commonFiles.teacherInfo];
export const teacherFiles: Files = { [teacherJob]: teacher };

/** With the head of all classes, where only a part of the teacher is used. */
export const wholeTeacherFiles: Files = { [teacherJob]: [...teacher, commonFiles.teacherHead] };

/** What models are scored by beside the labels (`openJudge`): nothing where they are classifiers. */
export function judgeFiles({ architecture }: { readonly architecture: Architecture }): Files {
  return isClassifier(architecture) ? {} : { [teacherIndexJob]: [commonFiles.index] };
}

/** The teacher is worth compressing; how good it is changes nothing. */
export const checked: Files = { [teacherCheckJob]: [] };

/** What a library says of its teacher: how its head was fitted here, and how good the whole one is where the model is a part of it. */
export function toldFiles({ inputs: { classes }, loaded: { config } }: PlanInput): Files {
  const head = typeof config.teacher.head === 'object' ? [commonFiles.head] : [];
  return {
    [teacherJob]: [...teacher, ...head],
    [teacherCheckJob]: classes.subset === null ? [] : [commonFiles.check],
  };
}
