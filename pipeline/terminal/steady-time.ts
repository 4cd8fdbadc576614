/** A time left that is looked at: it goes down with the clock, and changes its mind slowly. Seconds. */
export interface SteadyTime {
  /** A new guess. */
  hear(secondsLeft: number): void;
  /** What to show now; undefined before the first guess. */
  read(): number | undefined;
}

/** Of what is shown, the share within whose time most of a new guess is taken over; and bounds of that time. */
const share = 0.05;
const [least, most] = [2, 30];

/** @param now in seconds */
export function createSteadyTime(now: () => number): SteadyTime {
  let shown: number | undefined;
  let guess = 0;
  let at = 0;
  const settle = (): void => {
    if (shown === undefined) return;
    const passed = now() - at;
    at = now();
    guess = Math.max(0, guess - passed);
    const counted = Math.max(0, shown - passed);
    const patience = Math.min(most, Math.max(least, share * counted));
    shown = guess + (counted - guess) * Math.exp(-passed / patience);
  };
  return {
    hear(secondsLeft) {
      settle();
      at = now();
      shown ??= secondsLeft;
      guess = secondsLeft;
    },
    read() {
      settle();
      return shown;
    },
  };
}
