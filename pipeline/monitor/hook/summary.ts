import { hostname } from 'node:os';
import type { Event, JobId } from '../../runner/contract.ts';
import type { Failure } from '../../util/failure.ts';
import type { RunEnd, RunFacts } from '../listener.ts';

/** What the hook reads on its input, as JSON. */
export interface RunSummary extends Pick<RunEnd, 'outcome' | 'exitCode' | 'seconds'> {
  readonly run: string;
  readonly folder: string;
  readonly engine: string;
  readonly version: string;
  readonly host: string;
  /** ISO; absent where the run was refused before it began. */
  readonly started?: string | undefined;
  readonly jobs: {
    readonly finished: number;
    readonly fresh: number;
    readonly failed: number;
    readonly blocked: number;
    readonly retried: number;
  };
  readonly failures: readonly ({ readonly job: JobId } & Failure)[];
  /** What went wrong beside the jobs, or refused the run. */
  readonly troubles: readonly Failure[];
  readonly warnings: readonly { readonly job: JobId; readonly message: string }[];
  /** Failures, warnings that are left out: of each list the first are told. */
  readonly leftOut: number;
  /** What the run hands on, as far as it is up to date: absolute paths by name. */
  readonly results: Readonly<Record<string, string>>;
}

/** A thousand jobs may fail for one reason; who is told of it reads the first. */
const mostOfEach = 50;

/** Adds up what there is to tell. */
export function summarise(facts: Pick<RunFacts, 'name' | 'folder' | 'engine' | 'version' | 'results'>): {
  readonly handle: (event: Event) => void;
  readonly summary: (end: RunEnd) => RunSummary;
} {
  let started: string | undefined;
  const jobs = { finished: 0, fresh: 0, failed: 0, blocked: 0, retried: 0 };
  const failures: ({ readonly job: JobId } & Failure)[] = [];
  const warnings: { readonly job: JobId; readonly message: string }[] = [];
  let warned = 0;
  return {
    handle(event) {
      if (event.type === 'run-started') started = event.time;
      else if (event.type === 'job-finished') jobs.finished++;
      else if (event.type === 'job-skipped') jobs.fresh++;
      else if (event.type === 'job-blocked') jobs.blocked++;
      else if (event.type === 'job-retried') jobs.retried++;
      else if (event.type === 'job-failed') {
        jobs.failed++;
        if (failures.length < mostOfEach) failures.push({ job: event.job, ...event.failure });
      } else if (event.type === 'job-warning') {
        warned++;
        if (warnings.length < mostOfEach) warnings.push({ job: event.job, message: event.message });
      }
    },
    summary: ({ outcome, exitCode, seconds, troubles }) => ({
      run: facts.name,
      ...{ outcome, exitCode, seconds, started },
      folder: facts.folder,
      engine: facts.engine,
      version: facts.version,
      host: hostname(),
      ...{ jobs, failures, troubles, warnings },
      leftOut: jobs.failed - failures.length + warned - warnings.length,
      results: facts.results(),
    }),
  };
}
