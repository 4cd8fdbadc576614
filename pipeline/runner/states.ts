import { fail } from '../util/failure.ts';
import type { JobId, JobPlan, JobState } from './contract.ts';
import type { FileDigests } from './file-digests.ts';
import {
  explainChange,
  fingerprintData,
  fingerprintOf,
  type Fingerprint,
  type FingerprintData,
  type JobInput,
} from './fingerprint.ts';
import type { ForeignFile } from './foreign-files.ts';
import { findChangedOutput } from './outputs.ts';
import { dependenciesOf, jobsOf, type Plan, type PlannedJob } from './plan.ts';
import { outputFolder, readDoneRecord, type DoneRecord } from './publish.ts';
import { hasCheckpoint } from './resume-folder.ts';

export interface JobStatus {
  readonly state: JobState;
  /** One line for people. */
  readonly why: string;
  /** The record of a finished job, fresh or stale. */
  readonly record?: DoneRecord | undefined;
}

/** A status that was decided with every input known. */
export interface DecidedStatus extends JobStatus {
  readonly fingerprint: Fingerprint;
  readonly madeFrom: FingerprintData;
}

/** Decides on one job whose inputs are all known. Reads only. @throws BlockForgeError `file-missing`. */
export async function inspectJob(
  plan: Plan,
  planned: PlannedJob,
  inputs: ReadonlyMap<JobId, JobInput>,
  runFolder: string,
  digests: FileDigests,
): Promise<DecidedStatus> {
  const { job } = planned;
  const madeFrom = await fingerprintData(planned, plan.engine, inputs, digests);
  const fingerprint = fingerprintOf(madeFrom);
  const record = await readDoneRecord(runFolder, job.id);
  const decided = { fingerprint, madeFrom, record };
  let why = 'never finished';
  if (record !== undefined) {
    const changed =
      record.fingerprint === fingerprint
        ? await findChangedOutput(outputFolder(runFolder, job), record.outputs, digests)
        : explainChange(record.madeFrom, madeFrom, job.files ?? []) || 'its record was changed';
    if (changed === undefined) return { ...decided, state: 'fresh', why: 'up to date' };
    why = changed;
  }
  if (await hasCheckpoint(runFolder, job.id, fingerprint)) {
    return { ...decided, state: 'resumable', why: 'interrupted, with a checkpoint to go on from' };
  }
  return { ...decided, state: record === undefined ? 'missing' : 'stale', why };
}

/**
 * What would run, without running it. A finished job behind one that runs may turn out fresh (the other wrote the same
 * as before), which only the run itself can tell: `may-run`, unless something else makes it run.
 */
export async function inspectPlan(
  plan: Plan,
  runFolder: string,
  digests: FileDigests,
): Promise<ReadonlyMap<JobId, JobStatus>> {
  const statuses = new Map<JobId, JobStatus>();
  const inputs = new Map<JobId, JobInput>();
  for (const planned of plan.jobs) {
    const status = await predict(plan, planned, inputs, runFolder, digests);
    statuses.set(planned.job.id, status);
    if (status.state === 'fresh' && status.record !== undefined) {
      inputs.set(planned.job.id, inputOf(status.record));
    }
  }
  return statuses;
}

/** One line of `--plan`. */
export interface PlanRow {
  readonly job: JobId;
  readonly state: JobState;
  readonly why: string;
  readonly estimate: JobPlan['estimate'];
  /** What users put into the folder that the job hands on or changed there, by paths below the run folder; all of it. */
  readonly holds?: readonly ForeignFile[] | undefined;
}

/** The selected jobs in the order of the plan, with what would happen to them and why. */
export function describePlan(plan: Plan, statuses: ReadonlyMap<JobId, JobStatus>): readonly PlanRow[] {
  return plan.jobs
    .filter(({ selected }) => selected)
    .map(({ job }) => {
      const status = statuses.get(job.id);
      if (status === undefined) throw new Error(`no state of ${job.id}: states come from another plan`);
      return { job: job.id, state: status.state, why: status.why, estimate: job.estimate };
    });
}

/** `--only` runs nothing else: what its jobs need must be up to date. @throws BlockForgeError `usage`. */
export function checkPrerequisites(plan: Plan, statuses: ReadonlyMap<JobId, JobStatus>): void {
  const { only } = plan.selection;
  if (only === undefined) return;
  const stages = new Map(plan.jobs.map(({ job, stage }) => [job.id, stage]));
  for (const { job, selected } of plan.jobs) {
    if (!selected) continue;
    for (const need of job.needs) {
      const status = statuses.get(need);
      const stage = stages.get(need);
      if (stage === only || status?.state === 'fresh') continue;
      const cause = firstCause(plan, statuses, need);
      const { state, why } = statuses.get(cause) ?? {};
      fail({
        reason: 'usage',
        subject: `--only ${only}`,
        found:
          cause === need
            ? `${job.id} needs ${need}, which is not there (${state}: ${why})`
            : `${job.id} needs ${need}, which needs ${cause}, and that is not there (${state}: ${why})`,
        expected: `${need} up to date`,
        next: `run --only ${stages.get(cause)} first, or leave out --only`,
      });
    }
  }
}

/** Of the jobs that `id` was or is to be made from, the first that is not up to date while all before it are. */
export function firstCause(plan: Plan, statuses: ReadonlyMap<JobId, JobStatus>, id: JobId): JobId {
  const job = jobsOf(plan).get(id)?.job;
  const used = statuses.get(id)?.record?.madeFrom.inputs ?? {};
  const before = (job?.needs ?? []).concat(
    (job?.wants ?? []).filter((wanted) => Object.hasOwn(used, wanted)),
  );
  const cause = before.find((other) => statuses.get(other)?.state !== 'fresh');
  return cause === undefined ? id : firstCause(plan, statuses, cause);
}

export function inputOf(record: DoneRecord): JobInput {
  return record.outputs;
}

async function predict(
  plan: Plan,
  planned: PlannedJob,
  available: ReadonlyMap<JobId, JobInput>,
  runFolder: string,
  digests: FileDigests,
): Promise<JobStatus> {
  const { job, forced, selected } = planned;
  const isSelected = (id: JobId): boolean => jobsOf(plan).get(id)?.selected ?? false;
  const inputs = new Map<JobId, JobInput>();
  let waitsFor: JobId | undefined;
  for (const id of dependenciesOf(job)) {
    const input = available.get(id);
    // One in `wants` that nobody is going to make stays away.
    if (input === undefined && !isSelected(id) && !job.needs.includes(id)) continue;
    inputs.set(id, input ?? 'unknown');
    if (input === undefined && job.reads?.[id]?.length !== 0) waitsFor ??= id;
  }
  const ahead = waitsFor && `${waitsFor} ${isSelected(waitsFor) ? 'runs first' : 'is not up to date'}`;
  if ((forced && selected) || ahead !== undefined) {
    // Hours later would be too late to say that a file is missing.
    if (selected) await Promise.all((job.files ?? []).map((path) => digests.require(path)));
    const record = await readDoneRecord(runFolder, job.id);
    if (forced)
      return { state: record === undefined ? 'missing' : 'stale', why: 'asked for by --from', record };
    if (record === undefined) return { state: 'missing', why: ahead ?? '' };
    const madeFrom = await fingerprintData(planned, plan.engine, inputs, digests);
    const changed =
      explainChange(record.madeFrom, madeFrom, job.files ?? []) ||
      (await findChangedOutput(outputFolder(runFolder, job), record.outputs, digests));
    return changed === undefined
      ? { state: 'may-run', why: `only if ${waitsFor} writes something else`, record }
      : { state: 'stale', why: changed, record };
  }
  return inspectJob(plan, planned, inputs, runFolder, digests);
}
