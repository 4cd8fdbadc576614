import { rm } from 'node:fs/promises';
import { relative, sep } from 'node:path';
import type { Json } from '../util/hash.ts';
import { checkInputs } from './check-inputs.ts';
import type { JobId } from './contract.ts';
import type { Executor, JobReply, JobReport, JobRequest } from './executor.ts';
import type { FileDigests } from './file-digests.ts';
import type { JobInput } from './fingerprint.ts';
import { toJobFailure, type JobFailure } from './job-failure.ts';
import { digestOutputs, type OutputFile } from './outputs.ts';
import { dependenciesOf, type Plan, type PlannedJob } from './plan.ts';
import { outputPlace, placeJobFolder, recordDone, startJobFolder } from './publish.ts';
import { claimResumeFolder, dropResumeFolder } from './resume-folder.ts';
import type { DecidedStatus } from './states.ts';

export interface JobRun {
  readonly plan: Plan;
  readonly planned: PlannedJob;
  readonly status: DecidedStatus;
  readonly inputs: ReadonlyMap<JobId, JobInput>;
  readonly runFolder: string;
  readonly digests: FileDigests;
  readonly executor: Executor;
  readonly listener: JobListener;
}

export interface JobListener {
  /** @param resumed it goes on from a checkpoint */
  onStart(slot: number, resumed: boolean): void;
  onReport(report: JobReport): void;
}

export type JobResult =
  | {
      readonly type: 'ran';
      readonly seconds: number;
      readonly summary: Json;
      readonly outputs: readonly OutputFile[];
    }
  | ({ readonly type: 'failed'; readonly seconds: number } & JobFailure)
  | { readonly type: 'interrupted'; readonly started: boolean };

/** One job from its empty folder to its published one. Never throws: what goes wrong is the job's failure. */
export async function runJob(run: JobRun): Promise<JobResult> {
  const { runFolder, executor, listener } = run;
  const { job } = run.planned;
  const { id } = job;
  const begun = performance.now();
  const seconds = () => (performance.now() - begun) / 1000;
  const warnings: string[] = [];
  let started = false;
  let folder: string | undefined;
  try {
    await checkInputs(run, job.folder !== undefined);
    folder = await startJobFolder(runFolder, job);
    const resume = await claimResumeFolder(runFolder, id, run.status.fingerprint);
    const onReport = (report: JobReport): void => {
      if (report.type === 'warning') warnings.push(report.message);
      listener.onReport(report);
    };
    const reply = await executor.submit(requestOf(run, folder, resume.folder), {
      onStart(slot) {
        started = true;
        listener.onStart(slot, resume.resumed);
        for (const message of warnOfAbsent(run)) onReport({ type: 'warning', message });
      },
      onReport,
    });
    if (reply.type === 'interrupted') return { type: 'interrupted', started };
    if (reply.type === 'failed') return { ...reply, seconds: seconds() };
    await checkInputs(run, false);
    const moved = await placeJobFolder(runFolder, job, folder, reply);
    for (const message of moved) onReport({ type: 'warning', message });
    await record(run, reply, seconds(), warnings);
    await dropResumeFolder(runFolder, id);
    return { type: 'ran', seconds: seconds(), summary: reply.summary, outputs: reply.outputs };
  } catch (error) {
    return { type: 'failed', seconds: seconds(), ...toJobFailure(id, error, runFolder) };
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

function requestOf(run: JobRun, folder: string, resumeFolder: string): JobRequest {
  const { plan, planned, inputs, runFolder } = run;
  const { job, stage, needsEngine } = planned;
  const below = (path: string) => relative(runFolder, path).split(sep).join('/');
  const places = new Map(plan.jobs.map((other) => [other.job.id, outputPlace(other.job)]));
  return {
    stage,
    job,
    engine: needsEngine ? plan.engine : null,
    folder: below(folder),
    resumeFolder: below(resumeFolder),
    published: Object.fromEntries(
      dependenciesOf(job).map((id) => [id, inputs.has(id) ? (places.get(id) ?? null) : null]),
    ),
  };
}

/** A result without something it wanted must not pass silently for a complete one. */
function warnOfAbsent({ planned: { job }, inputs }: JobRun): string[] {
  const absent = (job.wants ?? []).filter((id) => !inputs.has(id));
  return absent.length === 0 ? [] : [`goes on without ${absent.join(', ')}`];
}

async function record(
  { planned, status, runFolder }: JobRun,
  reply: JobReply & { type: 'finished' },
  seconds: number,
  warnings: readonly string[],
): Promise<void> {
  await recordDone(runFolder, {
    format: 1,
    job: planned.job.id,
    fingerprint: status.fingerprint,
    madeFrom: status.madeFrom,
    outputsSha256: digestOutputs(reply.outputs),
    outputs: reply.outputs,
    seconds,
    finishedAt: new Date().toISOString(),
    engine: reply.engine,
    summary: reply.summary,
    warnings,
  });
}
