import { interruptedExitCode } from './report-error.ts';
import type { Interrupts } from './interrupts.ts';

/** Of a command that was stopped with work left: given again, it goes on. 75 is EX_TEMPFAIL of sysexits.h: "try again". */
export const stoppedExitCode = 75;

/** What stops a run, a job or a worker before its end: Ctrl-C, a scheduler's signal, a deadline. */
export interface Stops extends Interrupts {
  /** Why it was to stop first, e.g. "SIGTERM" or "--stop-after"; undefined as long as it was not. */
  readonly why: string | undefined;
  /** What a command that stopped with work left ends with: 130 after Ctrl-C, 75 after anything else. */
  readonly exitCode: number;
  /** For what has nothing to save: its value, or undefined as soon as it is to stop. */
  before<T>(work: Promise<T>): Promise<T | undefined>;
}

export interface StopOptions {
  /** `--stop-after`: seconds since the start of this process. */
  readonly after?: number | undefined;
}

/** SIGHUP: the terminal is gone. SIGUSR1: what Slurm is told to send some time before the end (`--signal=USR1@600`). */
const signals: readonly NodeJS.Signals[] = [
  'SIGINT',
  'SIGTERM',
  'SIGHUP',
  ...(process.platform === 'win32' ? [] : (['SIGUSR1'] as const)),
];

/**
 * Takes over the process's signals until `dispose` is called. The first one, or the deadline, asks politely; a second
 * signal kills. A deadline never does: what was asked to stop by a signal may take its time to.
 */
export function watchStops({ after }: StopOptions = {}): Stops {
  const polite = new AbortController();
  const now = new AbortController();
  let why: string | undefined;
  const stop = (reason: string): void => {
    why = reason;
    polite.abort(new Error(`stopped by ${reason}`));
  };
  const onSignal = (signal: NodeJS.Signals): void => {
    if (polite.signal.aborted) now.abort(new Error(`stopped by ${signal}`));
    else stop(signal);
  };
  const handlers = signals.map((signal) => ({ signal, handle: () => onSignal(signal) }));
  for (const { signal, handle } of handlers) process.on(signal, handle);
  const timer =
    after === undefined
      ? undefined
      : setTimeout(
          () => polite.signal.aborted || stop('--stop-after'),
          Math.max(0, after * 1000 - performance.now()),
        ).unref();
  return {
    polite: polite.signal,
    now: now.signal,
    get why() {
      return why;
    },
    get exitCode() {
      return why === undefined || why === 'SIGINT' ? interruptedExitCode : stoppedExitCode;
    },
    before(work) {
      return new Promise((resolve, reject) => {
        const onStop = () => resolve(undefined);
        if (polite.signal.aborted) onStop();
        polite.signal.addEventListener('abort', onStop, { once: true });
        work.then(resolve, reject).finally(() => polite.signal.removeEventListener('abort', onStop));
      });
    },
    dispose() {
      clearTimeout(timer);
      for (const { signal, handle } of handlers) process.off(signal, handle);
    },
  };
}
