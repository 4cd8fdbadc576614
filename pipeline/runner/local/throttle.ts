/**
 * Passes on at most one value per `intervalMs`: the first at once, then the newest of those that came since.
 * `drop` forgets what still waits.
 */
export function throttle<T>(
  intervalMs: number,
  pass: (value: T) => void,
): { readonly push: (value: T) => void; readonly drop: () => void } {
  let last = -Infinity;
  let waiting: { value: T } | undefined;
  let timer: NodeJS.Timeout | undefined;
  const send = (value: T): void => {
    last = performance.now();
    waiting = undefined;
    clearTimeout(timer);
    timer = undefined;
    pass(value);
  };
  return {
    push(value) {
      const wait = last + intervalMs - performance.now();
      // Long computations keep the timer from firing: the next push finds it late and sends at once.
      if (wait <= 0) {
        send(value);
        return;
      }
      waiting = { value };
      timer ??= setTimeout(() => waiting && send(waiting.value), wait);
      timer.unref();
    },
    drop() {
      waiting = undefined;
      clearTimeout(timer);
      timer = undefined;
    },
  };
}
