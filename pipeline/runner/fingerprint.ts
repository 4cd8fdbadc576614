import { canonicalJson, hashJson, type Json, type Sha256 } from '../util/hash.ts';
import { isRecord } from '../util/foreign-value.ts';
import type { JobId } from './contract.ts';
import type { FileDigests } from './file-digests.ts';
import type { PlannedJob } from './plan.ts';

/** SHA-256 of a job's `FingerprintData`. Branded: a file's digest is never mistaken for it. */
export type Fingerprint = string & { readonly __fingerprint: never };

/** What a job knows of a job it reads from. */
export interface JobInput {
  readonly fingerprint: Fingerprint;
  /** Digest over path, size and content of everything that job wrote. */
  readonly outputs: Sha256;
}

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
   * is measured then. By fingerprint and by content: timings and parallel sums are not bit-reproducible, so a job
   * that ran again may have written something else from the same inputs, and its readers must see that.
   */
  readonly inputs: {
    readonly [job: JobId]: { readonly fingerprint: string; readonly outputs: string } | undefined;
  };
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
    inputs: Object.fromEntries(inputs),
  };
}

export function fingerprintOf(data: FingerprintData): Fingerprint {
  return hashJson({ ...data }) as string as Fingerprint;
}

/** One line for people: why `now` is not `before`. Empty where they are equal. */
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
    if (is === undefined) return `${id} is not there any more`;
    if (was === undefined) return `${id} is there now`;
    if (was.outputs !== is.outputs) return `${id} wrote something else`;
    if (was.fingerprint !== is.fingerprint) return `${id} changed`;
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
