import { setTimeout as pause } from 'node:timers/promises';
import type { LocalFleet } from './start-local-fleet.ts';

/**
 * Kills a device of a local fleet every so many seconds, each in turn, and starts it again at once.
 * @returns what ends that: waits for the last one to serve again, and says how many were killed
 */
export function crashInTurn(
  fleet: LocalFleet,
  everySeconds: number,
): { readonly stop: () => Promise<number> } {
  const names = [...fleet.addresses.keys()];
  const over = new AbortController();
  const crashes = (async (): Promise<number> => {
    for (let killed = 0; ; killed++) {
      await pause(1000 * everySeconds, undefined, { signal: over.signal }).catch(() => undefined);
      if (over.signal.aborted || names.length === 0) return killed;
      await fleet.crash(names[killed % names.length]!);
    }
  })();
  crashes.catch(() => undefined);
  return {
    stop() {
      over.abort();
      return crashes;
    },
  };
}
