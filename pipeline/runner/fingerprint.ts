import { canonicalJson, hashJson, type Json, type Sha256 } from '../util/hash.ts';
import { isRecord } from '../util/foreign-value.ts';
import type { JobId, JobPlan } from './contract.ts';
import type { FileDigests } from './file-digests.ts';
import { digestOutputs, type OutputFile } from './outputs.ts';
import type { PlannedJob } from './plan.ts';

/** SHA-256 of a job's `FingerprintData`. Branded: a file's digest is never mistaken for it. */
export type Fingerprint = string & { readonly __fingerprint: never };

/** What a job knows of a job it reads from: what that one wrote, or `unknown` where it has yet to run. */
export type JobInput = readonly OutputFile[] | 'unknown';

/**
 * Everything that makes a finished job stale, and nothing else. Left out on purpose: paths of outside files (a moved
 * checkpoint is the same checkpoint), the slot and its environment, the machine, the time.
 */
export interface FingerprintData {
  /** Jobs of one stage may share all settings; a folder copied by hand to another part's place must not pass for it. */
  readonly job: JobId;
  /** Raised by hand when a stage's code changes what it writes; hashing the source would invalidate on a comment. */
  readonly stageVersion: number;
  /** Engines differ in the last digits, and mixed results could not be reproduced. Null for jobs without numerics. */
  readonly engine: string | null;
  /** The slice of the resolved config that the job declared, the seed included where it uses one. */
  readonly settings: Json;
  /** Contents of the outside files (checkpoint, images), in the order the job lists them. */
  readonly files: readonly Sha256[];
  /**
   * The jobs it reads from: all of `needs`, and those of `wants` that succeeded, so that a descendant mended later
   * is measured then. By the content of the files it reads of them, whatever they were made from: a job that ran again
   * and wrote the same leaves its readers fresh, one that wrote something else (sums in another order) does not.
   */
  readonly inputs: { readonly [job: JobId]: Sha256 | 'unknown' | undefined };
}

/** @throws BlockForgeError `file-missing` for an outside file that is not there. */
export async function fingerprintData(
  { job, stageVersion, needsEngine }: PlannedJob,
  engine: string,
  inputs: ReadonlyMap<JobId, JobInput>,
  digests: FileDigests,
): Promise<FingerprintData> {
  return {
    job: job.id,
    stageVersion,
    engine: needsEngine ? engine : null,
    settings: job.settings,
    files: await Promise.all((job.files ?? []).map((path) => digests.digest(path))),
    inputs: Object.fromEntries([...inputs].map(([id, input]) => [id, digestInput(job, id, input)])),
  };
}

function digestInput({ reads }: JobPlan, id: JobId, input: JobInput): Sha256 | 'unknown' {
  const read = reads?.[id];
  // Nothing of it: that it succeeds is all that matters.
  if (read?.length === 0) return digestOutputs([]);
  if (input === 'unknown') return input;
  return digestOutputs(read === undefined ? input : input.filter(({ path }) => read.includes(path)));
}

export function fingerprintOf(data: FingerprintData): Fingerprint {
  return hashJson({ ...data }) as string as Fingerprint;
}

/** One line for people: why `now` is not `before`. Empty where they are equal, as far as inputs are known. */
export function explainChange(
  before: FingerprintData,
  now: FingerprintData,
  files: readonly string[],
): string {
  if (before.job !== now.job) return `the folder belongs to ${before.job}`;
  if (before.stageVersion !== now.stageVersion) {
    return `the stage's code changed (version ${before.stageVersion} -> ${now.stageVersion})`;
  }
  if (before.engine !== now.engine) return `engine changed: ${before.engine} -> ${now.engine}`;
  const setting = firstDifference(before.settings, now.settings, '');
  if (setting !== undefined) return `setting changed: ${setting}`;
  if (before.files.length !== now.files.length) return 'it depends on other files now';
  const file = now.files.findIndex((digest, index) => digest !== before.files[index]);
  if (file >= 0) return `file changed: ${files[file]}`;
  for (const id of new Set([...Object.keys(before.inputs), ...Object.keys(now.inputs)])) {
    const [was, is] = [before.inputs[id], now.inputs[id]];
    if (is === 'unknown') continue;
    if (is === undefined) return `${id} is not there any more`;
    if (was === undefined) return `${id} is there now`;
    if (was !== is) return `${id} wrote something else`;
  }
  return '';
}

function firstDifference(before: Json | undefined, now: Json | undefined, path: string): string | undefined {
  if (isRecord(before) && isRecord(now)) {
    for (const key of new Set([...Object.keys(before), ...Object.keys(now)])) {
      const found = firstDifference(before[key], now[key], path === '' ? key : `${path}.${key}`);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  const [was, is] = [before, now].map((value) =>
    value === undefined ? 'unset' : shorten(canonicalJson(value)),
  );
  const same = was === is && canonicalJson(before ?? null) === canonicalJson(now ?? null);
  return same ? undefined : `${path === '' ? 'settings' : path} ${was} -> ${is}`;
}

function shorten(text: string): string {
  return text.length <= 40 ? text : `${text.slice(0, 37)}...`;
}
