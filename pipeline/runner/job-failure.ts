import type { Failure } from '../util/failure.ts';
import { failureOf } from '../util/system-failure.ts';
import type { JobId } from './contract.ts';

export interface JobFailure {
  readonly failure: Failure;
  /** Only for bugs: an expected failure is the user's to mend, a stack would not help. */
  readonly stack?: string | undefined;
}

/** Turns what a job threw into a value that crosses a process border. */
export function toJobFailure(job: JobId, error: unknown, runFolder: string): JobFailure {
  const failure = failureOf(error, [{ option: '--runs DIR', path: runFolder }]);
  if (failure !== undefined) return { failure };
  const message = error instanceof Error ? error.message : String(error);
  return {
    failure: {
      reason: 'job-failed',
      subject: job,
      found: message === '' ? 'an error without a message' : message,
      next: 'this is a bug, not something you did: report it with the stack below',
    },
    stack: error instanceof Error ? error.stack : undefined,
  };
}
