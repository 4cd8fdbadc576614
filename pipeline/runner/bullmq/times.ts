/** How long who waits for what; all of it follows from one number. In milliseconds. */
export interface QueueTimes {
  /** A worker that has not renewed its lock on a job for so long has lost it: somebody else does the job. */
  readonly lock: number;
  /** Between two looks for jobs whose worker was lost. */
  readonly look: number;
  /** Not renewed for so long: the job's process is asked to save its state. */
  readonly doubt: number;
  /** Not renewed for so long: it is ended, before anybody else can have the job. */
  readonly giveUp: number;
  /** Between two looks of a controller at its jobs; events tell it of them at once, where none is lost. */
  readonly poll: number;
}

/** @param lockSeconds default: `BLOCKFORGE_LOCK_SECONDS`, else 30 */
export function queueTimes(lockSeconds = lockSecondsOf(process.env.BLOCKFORGE_LOCK_SECONDS)): QueueTimes {
  const lock = lockSeconds * 1000;
  return {
    lock,
    look: lock / 2,
    doubt: lock * 0.6,
    giveUp: lock * 0.85,
    poll: Math.min(2000, Math.max(250, lock / 8)),
  };
}

function lockSecondsOf(text: string | undefined): number {
  const seconds = Number(text);
  return text !== undefined && seconds >= 1 && seconds <= 3600 ? seconds : 30;
}

/** Workers that may be lost with the same job before it fails: one that ends whoever does it must not go round for ever. */
export const mostLost = 10;

/** Results wait so long for a controller that does not come back, in seconds. */
export const keepSeconds = 30 * 86_400;
