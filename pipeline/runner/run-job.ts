import { rm } from 'node:fs/promises';
import type { Json, Sha256 } from '../util/hash.ts';
import type { JobId } from './contract.ts';
import type { JobInput } from './fingerprint.ts';
import { toJobFailure, type JobFailure } from './job-failure.ts';
import type { JobReply, JobReport, JobRequest } from './messages.ts';
import { digestOutputs } from './outputs.ts';
import { dependenciesOf, type PlannedJob } from './plan.ts';
import { placeJobFolder, recordDone, startJobFolder } from './publish.ts';
import { claimResumeFolder, dropResumeFolder } from './resume-folder.ts';
import type { Slot } from './processes.ts';
import type { DecidedStatus } from './states.ts';

export interface JobRun {
  readonly planned: PlannedJob;
  readonly status: DecidedStatus;
  readonly inputs: ReadonlyMap<JobId, JobInput>;
  /** Where the output of another job is published. */
  readonly folderOf: (id: JobId) => string;
  readonly engine: string;
  readonly input: unknown;
  readonly runFolder: string;
  readonly slot: Slot;
  readonly signal: AbortSignal;
  readonly onStart: (resumed: boolean) => void;
  readonly onReport: (report: JobReport) => void;
}

export type JobResult =
  | { readonly type: 'ran'; readonly seconds: number; readonly summary: Json; readonly outputs: Sha256 }
  | ({ readonly type: 'failed'; readonly seconds: number } & JobFailure)
  | { readonly type: 'interrupted' };

/** One job from its empty folder to its published one. Never throws: what goes wrong is the job's failure. */
export async function runJob(run: JobRun): Promise<JobResult> {
  const { runFolder } = run;
  const { job } = run.planned;
  const { id } = job;
  const started = performance.now();
  const seconds = () => (performance.now() - started) / 1000;
  const warnings: string[] = [];
  let folder: string | undefined;
  try {
    folder = await startJobFolder(runFolder, job);
    const resume = await claimResumeFolder(runFolder, id, run.status.fingerprint);
    run.onStart(resume.resumed);
    const report = (value: JobReport): void => {
      if (value.type === 'warning') warnings.push(value.message);
      run.onReport(value);
    };
    for (const message of warnOfAbsent(run)) report({ type: 'warning', message });
    if (run.signal.aborted) return { type: 'interrupted' };
    const reply = await run.slot.run(requestOf(run, folder, resume.folder), report);
    if (reply.type === 'interrupted') return reply;
    if (reply.type === 'failed') return { ...reply, seconds: seconds() };
    await placeJobFolder(runFolder, job, folder);
    const outputs = await record(run, reply, seconds(), warnings);
    await dropResumeFolder(runFolder, id);
    return { type: 'ran', seconds: seconds(), summary: reply.summary, outputs };
  } catch (error) {
    return { type: 'failed', seconds: seconds(), ...toJobFailure(id, error) };
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  }
}

async function record(
  { planned, status, runFolder }: JobRun,
  reply: JobReply & { type: 'finished' },
  seconds: number,
  warnings: readonly string[],
): Promise<Sha256> {
  const outputsSha256 = digestOutputs(reply.outputs);
  await recordDone(runFolder, {
    format: 1,
    job: planned.job.id,
    fingerprint: status.fingerprint,
    madeFrom: status.madeFrom,
    outputsSha256,
    outputs: reply.outputs,
    seconds,
    finishedAt: new Date().toISOString(),
    engine: reply.engine,
    summary: reply.summary,
    warnings,
  });
  return outputsSha256;
}

function requestOf(
  { planned: { job, stage, needsEngine }, inputs, engine, input, runFolder, folderOf }: JobRun,
  folder: string,
  resumeFolder: string,
): JobRequest {
  const published = Object.fromEntries(
    dependenciesOf(job).map((id) => [id, inputs.has(id) ? folderOf(id) : null]),
  );
  return {
    stage,
    job,
    engine: needsEngine ? engine : null,
    input,
    runFolder,
    folder,
    resumeFolder,
    published,
  };
}

/** A result without something it wanted must not pass silently for a complete one. */
function warnOfAbsent({ planned: { job }, inputs }: JobRun): string[] {
  const absent = (job.wants ?? []).filter((id) => !inputs.has(id));
  return absent.length === 0 ? [] : [`goes on without ${absent.join(', ')}`];
}
