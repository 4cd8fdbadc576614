import { oneLine } from './printable.ts';

/**
 * Expected failures: things a user can cause and mend. They are values of one union, thrown inside a
 * `BlockForgeError` and printed by `describeFailure`; anything else that is thrown is a bug and keeps its stack.
 */
export type FailureReason =
  | 'config-invalid'
  | 'file-missing'
  | 'file-invalid'
  | 'checkpoint-unsupported'
  | 'data-invalid'
  | 'splits-overlap'
  | 'engine-unavailable'
  | 'device-unavailable'
  | 'gate-failed'
  | 'not-finite'
  | 'out-of-space'
  | 'place-unusable'
  | 'run-locked'
  | 'job-failed'
  | 'download-failed'
  | 'library-invalid'
  | 'usage';

export interface Failure {
  readonly reason: FailureReason;
  /** The thing that is wrong: a file with its place, a stage with block and variant, an option. */
  readonly subject: string;
  /** What was found there. */
  readonly found: string;
  /** What was expected instead. */
  readonly expected?: string | undefined;
  /** The next step, as something the reader can do or paste. */
  readonly next?: string | undefined;
}

export class BlockForgeError extends Error {
  readonly failure: Failure;

  constructor(failure: Failure, options?: ErrorOptions) {
    super(describeFailure(failure), options);
    this.name = 'BlockForgeError';
    this.failure = failure;
  }
}

/** Throws `failure`. A function, so that it can stand where a value is expected (`x ?? fail({...})`). */
export function fail(failure: Failure, cause?: unknown): never {
  throw new BlockForgeError(failure, cause === undefined ? undefined : { cause });
}

/** The exit code of the command line for each reason; scripts may rely on them. */
export function exitCodeOf(reason: FailureReason): number {
  switch (reason) {
    case 'usage':
    case 'config-invalid':
      return 2;
    case 'file-missing':
    case 'file-invalid':
    case 'checkpoint-unsupported':
    case 'data-invalid':
    case 'splits-overlap':
    case 'library-invalid':
    case 'download-failed':
    case 'place-unusable':
      return 3;
    case 'engine-unavailable':
    case 'device-unavailable':
    case 'out-of-space':
      return 4;
    case 'gate-failed':
    case 'not-finite':
    case 'job-failed':
      return 5;
    case 'run-locked':
      return 6;
  }
}

/** One message of two to four lines: what is wrong where, what was expected, what to do. */
export function describeFailure(failure: Failure): string {
  const lines = [`${oneLine(failure.subject)}: ${failure.found}`];
  if (failure.expected !== undefined) lines.push(`  expected: ${failure.expected}`);
  if (failure.next !== undefined) lines.push(`  next: ${failure.next}`);
  return lines.join('\n');
}
