import { rm } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { Json } from '../util/hash.ts';
import type { Failure } from '../util/failure.ts';
import { checkInputs } from './check-inputs.ts';
import type { JobId, JobPlan } from './contract.ts';
import type { Executor, JobReply, JobReport, JobRequest } from './executor.ts';
import type { FileDigests } from './file-digests.ts';
import type { JobInput } from './fingerprint.ts';
import { toJobFailure, type JobFailure } from './job-failure.ts';
import { digestOutputs, type OutputFile } from './outputs.ts';
import { dependenciesOf, jobsOf, type Plan, type PlannedJob } from './plan.ts';
import { outputPlace, placeJobFolder, recordDone, startJobFolder } from './publish.ts';
import { claimResumeFolder, dropResumeFolder } from './resume-folder.ts';
import { waitBeforeRetry, waitUnless, type Retries } from './retry.ts';
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
  /** Of several jobs that wait for the executor's workers the highest goes first. Default 0. */
  readonly priority?: number | undefined;
  /** Default: none. */
  readonly retries?: Retries | undefined;
  /** Ends the wait before another try. */
  readonly signal?: AbortSignal | undefined;
  /**
   * Calls `start` when this job may take a slot, once for each try: a job that waits for its next try leaves its slot to others.
   * Default: at once.
   * @param alone with nothing else beside it
   */
  readonly turn?: (<T>(start: () => Promise<T>, alone: boolean) => Promise<T>) | undefined;
}

export interface JobListener {
  /** @param resumed it goes on from a checkpoint */
  onStart(slot: number, resumed: boolean, worker?: string): void;
  onReport(report: JobReport): void;
  /** It will be tried again, after a wait. `attempt` counts from 1, the one that failed. */
  onRetry?(attempt: number, waitSeconds: number, failure: Failure): void;
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

/**
 * One job from its empty folder to its published one, tried again where what went wrong may pass (`passing.ts`): each try in a fresh
 * folder, from the checkpoint of the one before. Never throws: what goes wrong is the job's failure.
 */
export async function runJob(run: JobRun): Promise<JobResult> {
  const { retries = noRetries, signal, listener, turn = atOnce } = run;
  const tried = { started: false };
  let alone = run.planned.job.exclusive ?? false;
  for (let attempt = 1; ; attempt++) {
    const result = await turn(() => tryJob(run, tried), alone);
    if (result.type !== 'failed') return result;
    const wait = waitBeforeRetry(result, attempt, retries);
    if (wait === undefined) return attempt === 1 ? result : { ...result, failure: lastOf(attempt, result) };
    listener.onRetry?.(attempt, wait, result.failure);
    // Elsewhere it would wait for machines that have nothing to do with it.
    alone ||= result.alone === true && run.executor.elsewhere !== true;
    if (!(await waitUnless(signal, wait))) return { type: 'interrupted', started: true };
  }
}

const atOnce = <T>(start: () => Promise<T>): Promise<T> => start();

const noRetries: Retries = { times: 0, waitSeconds: 0 };

function lastOf(attempt: number, { failure }: JobFailure): Failure {
  return { ...failure, found: `${failure.found}; so ended ${attempt} tries` };
}

/** @param tried keeps whether any try has begun */
async function tryJob(run: JobRun, tried: { started: boolean }): Promise<JobResult> {
  const { runFolder, executor, listener, signal } = run;
  if (signal?.aborted === true) return { type: 'interrupted', started: tried.started };
  const { job } = run.planned;
  const { id } = job;
  const begun = performance.now();
  const seconds = () => (performance.now() - begun) / 1000;
  const warnings: string[] = [];
  let isFirst = true;
  let folder: string | undefined;
  let answered: JobRequest | undefined;
  try {
    await checkInputs(run, job.folder !== undefined);
    folder = await startJobFolder(runFolder, job);
    const resume = await claimResumeFolder(runFolder, id, run.status.fingerprint, executor.elsewhere);
    const onReport = (report: JobReport): void => {
      if (report.type === 'warning') warnings.push(report.message);
      listener.onReport(report);
    };
    const request = requestOf(run, folder, resume.folder);
    const reply = await executor.submit(request, {
      onStart(slot, worker) {
        tried.started = true;
        listener.onStart(slot, resume.resumed, worker);
        if (isFirst) for (const message of warnOfAbsent(run)) onReport({ type: 'warning', message });
        isFirst = false;
      },
      onReport,
    });
    if (reply.type === 'interrupted') return { type: 'interrupted', started: tried.started };
    answered = request;
    if (reply.type === 'failed') return { ...reply, seconds: seconds() };
    await checkInputs(run, false);
    const made = reply.folder === undefined ? folder : join(runFolder, reply.folder);
    const moved = await placeJobFolder(runFolder, job, made, reply);
    for (const message of moved) onReport({ type: 'warning', message });
    await record(run, reply, seconds(), warnings);
    await dropResumeFolder(runFolder, id);
    return { type: 'ran', seconds: seconds(), summary: reply.summary, outputs: reply.outputs };
  } catch (error) {
    return { type: 'failed', seconds: seconds(), ...toJobFailure(id, error, runFolder) };
  } finally {
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    if (answered !== undefined) executor.settled?.(answered);
  }
}

function requestOf(run: JobRun, folder: string, resumeFolder: string): JobRequest {
  const { plan, planned, status, inputs, runFolder, priority = 0 } = run;
  const { job, stage, needsEngine } = planned;
  const below = (path: string) => relative(runFolder, path).split(sep).join('/');
  const placeOf = (id: JobId): string | null => {
    const made = inputs.has(id) ? jobsOf(plan).get(id) : undefined;
    return made === undefined ? null : outputPlace(made.job);
  };
  return {
    stage,
    job,
    fingerprint: status.fingerprint,
    priority,
    engine: needsEngine ? plan.engine : null,
    folder: below(folder),
    resumeFolder: below(resumeFolder),
    published: Object.fromEntries(dependenciesOf(job).map((id) => [id, placeOf(id)])),
    inputs: Object.fromEntries([...inputs].map(([id, input]) => [id, readable(job, id, input)])),
  };
}

function readable({ reads }: JobPlan, id: JobId, input: JobInput): readonly OutputFile[] {
  const read = reads?.[id];
  const all = input === 'unknown' ? [] : input;
  return read === undefined ? all : all.filter(({ path }) => read.includes(path));
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
