/** What tells the time and calls later. */
export interface Clock {
  readonly now: () => number;
  /** @returns what forgets the call; a process does not live on for it */
  readonly later: (call: () => void, ms: number) => () => void;
}

const systemClock: Clock = {
  now: () => performance.now(),
  later(call, ms) {
    const timer = setTimeout(call, ms).unref();
    return () => clearTimeout(timer);
  },
};

/**
 * Passes on at most one value per `intervalMs`: the first at once, then the newest of those that came since.
 * `drop` forgets what still waits.
 */
export function throttle<T>(
  intervalMs: number,
  pass: (value: T) => void,
  { now, later }: Clock = systemClock,
): { readonly push: (value: T) => void; readonly drop: () => void } {
  let last = -Infinity;
  let waiting: { value: T } | undefined;
  let forget: (() => void) | undefined;
  const stop = (): void => {
    waiting = undefined;
    forget?.();
    forget = undefined;
  };
  const send = (value: T): void => {
    last = now();
    stop();
    pass(value);
  };
  return {
    push(value) {
      const wait = last + intervalMs - now();
      // Long computations keep the timer from firing: the next push finds it late and sends at once.
      if (wait <= 0) {
        send(value);
        return;
      }
      waiting = { value };
      forget ??= later(() => waiting && send(waiting.value), wait);
    },
    drop: stop,
  };
}
