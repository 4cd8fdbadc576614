import { setTimeout as sleep } from 'node:timers/promises';
import { mayPass } from './store-failure.ts';

/** How long somebody waits for a server that does not answer, ms before each further try. */
export type Patience = readonly number[];

/** Some seconds: somebody sits there and waits. */
export const impatient: Patience = [250, 500, 1000, 2000];
/** Half a minute: nothing is lost yet. */
export const brief: Patience = [...impatient, 4000, 8000, 15_000];
/** Twelve minutes, so that a server may be restarted: hours of work wait to be brought away. */
export const patient: Patience = [...brief, ...Array.from({ length: 23 }, () => 30_000)];

/** Does `action` again while what went wrong may pass. @throws what it threw last, or the reason of `signal` */
export async function withRetries<T>(
  action: () => Promise<T>,
  { waits, signal }: { readonly waits: Patience; readonly signal?: AbortSignal | undefined },
): Promise<T> {
  for (const wait of waits) {
    signal?.throwIfAborted();
    try {
      return await action();
    } catch (error) {
      signal?.throwIfAborted();
      if (!mayPass(error)) throw error;
    }
    // Workers that lost the same server do not all come back in the same moment.
    await sleep(wait * (0.75 + Math.random() / 2), undefined, { signal }).catch(() =>
      signal?.throwIfAborted(),
    );
  }
  return action();
}
