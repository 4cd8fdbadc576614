import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { JobId } from '../../runner/contract.ts';
import type { LoggedEvent } from '../../runner/logged-event.ts';
import { inParallel } from '../../runner/store/object/in-parallel.ts';
import { followLog } from './follow-log.ts';
import { filesAtOnce } from './read-done.ts';
import type { FailedJob } from './run-status.ts';

/** What the logs tell of the last run, and of the jobs that were done by themselves since. */
export interface LogFacts {
  readonly started?: string | undefined;
  /** Its last event is its end: it was stopped with work left, or not. */
  readonly interrupted?: boolean | undefined;
  readonly failures: readonly FailedJob[];
  readonly warnings: readonly { readonly job: JobId; readonly message: string }[];
  /** Found up to date when their turn came. */
  readonly fresh: ReadonlySet<JobId>;
}

/** Gives what the logs of a run folder tell, as often as it is called: `events.jsonl` from the last start on, and `events/*.jsonl`. */
export function logReader(runFolder: string): () => Promise<LogFacts> {
  const ofRuns = followLog(join(runFolder, 'events.jsonl'));
  const alone = join(runFolder, 'events');
  const ofJobs = new Map<string, ReturnType<typeof followLog>>();
  return async () => {
    const all = await ofRuns();
    const names = (await readdir(alone).catch(() => [])).filter((name) => name.endsWith('.jsonl'));
    const single = await inParallel(
      names,
      (name) => {
        const follow = ofJobs.get(name) ?? followLog(join(alone, name));
        ofJobs.set(name, follow);
        return follow();
      },
      filesAtOnce,
    );
    return factsOf(all, single.flat());
  };
}

function factsOf(all: readonly LoggedEvent[], single: readonly LoggedEvent[]): LogFacts {
  const started = all.find(({ type }) => type === 'run-started')?.time;
  const failures = new Map<JobId, FailedJob>();
  const warnings = new Map<string, { job: JobId; message: string }>();
  const fresh = new Set<JobId>();
  let interrupted: boolean | undefined;
  for (const event of [...all, ...single.filter(({ time }) => started === undefined || time > started)]) {
    if (event.type === 'run-finished') interrupted = event.interrupted;
    if (!('job' in event)) continue;
    const { job, time } = event;
    if (event.type === 'job-failed') {
      const { subject, found, expected, next } = event.failure;
      failures.set(job, { job, time, failure: { subject, found, expected, next } });
    }
    if (event.type === 'job-started' || event.type === 'job-finished') failures.delete(job);
    if (event.type === 'job-skipped') fresh.add(job);
    if (event.type === 'job-warning') {
      const { message } = event;
      warnings.set(`${job} ${message}`, { job, message });
    }
  }
  return { started, interrupted, failures: [...failures.values()], warnings: [...warnings.values()], fresh };
}
