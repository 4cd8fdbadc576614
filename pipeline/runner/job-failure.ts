import type { Failure } from '../util/failure.ts';
import { failureOf } from '../util/system-failure.ts';
import type { JobId } from './contract.ts';
import { passingOfError, type Passing } from './passing.ts';

export interface JobFailure {
  readonly failure: Failure;
  /** It may go well another time: a killed process, a hiccup of a disk, a lost worker. Nothing that the job itself found wrong. */
  readonly passing?: Passing | undefined;
  /** It may go well where nothing else takes memory beside it: tried again alone. */
  readonly alone?: boolean | undefined;
  /** Only for bugs: an expected failure is the user's to mend, a stack would not help. */
  readonly stack?: string | undefined;
}

/** Turns what a job threw into a value that crosses a process border. */
export function toJobFailure(job: JobId, error: unknown, runFolder: string): JobFailure {
  const failure = failureOf(error, [{ option: '--runs DIR', path: runFolder }]);
  const passing = passingOfError(error);
  if (failure !== undefined) return { failure, ...(passing !== false && { passing }) };
  const message = error instanceof Error ? error.message : String(error);
  return {
    failure: {
      reason: 'job-failed',
      subject: job,
      found: message === '' ? 'an error without a message' : message,
      next:
        passing === false
          ? 'this is a bug, not something you did: report it with the stack below'
          : 'look after what did not answer; the same command resumes',
    },
    stack: error instanceof Error ? error.stack : undefined,
    ...(passing !== false && { passing }),
  };
}
