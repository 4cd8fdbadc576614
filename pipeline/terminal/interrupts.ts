/** Ctrl-C as two abort signals: the first asks politely, the second is not a question. */
export interface Interrupts {
  /** Stop starting jobs; running ones write a checkpoint and stop. */
  readonly polite: AbortSignal;
  /** Kill everything at once. */
  readonly now: AbortSignal;
  /** Gives the signals back to their default handling. */
  readonly dispose: () => void;
}

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Takes over the process's interrupt signals until `dispose` is called. */
export function watchInterrupts(): Interrupts {
  const polite = new AbortController();
  const now = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    const reason = new Error(`interrupted by ${signal}`);
    if (polite.signal.aborted) now.abort(reason);
    else polite.abort(reason);
  };
  for (const signal of signals) process.on(signal, onSignal);
  return {
    polite: polite.signal,
    now: now.signal,
    dispose() {
      for (const signal of signals) process.off(signal, onSignal);
    },
  };
}
