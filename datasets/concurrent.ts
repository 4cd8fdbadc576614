import { availableParallelism } from 'node:os';
import { setImmediate } from 'node:timers/promises';
import PQueue from 'p-queue';

/** Images decoded at once. One libvips thread each, so: one per core. */
export const decodeConcurrency = availableParallelism();

/** Items per queue entry: packed images are hashed in microseconds, and a queue entry each would cost more. */
const chunk = 16;

/**
 * Maps in parallel, keeps the order, stops at the first error or abort.
 * @throws the first error of `map`, or `signal.reason`.
 */
export async function mapConcurrent<T, R>(
  items: readonly T[],
  map: (item: T) => Promise<R>,
  { signal, onDone }: { signal?: AbortSignal | undefined; onDone?: (count: number) => void } = {},
): Promise<R[]> {
  const results = new Array<R>(items.length);
  const queue = new PQueue({ concurrency: decodeConcurrency });
  let stopped = false;
  const tasks: Promise<void>[] = [];
  // Few items are spread over all cores, many are handed out in chunks.
  const step = Math.max(1, Math.min(chunk, Math.ceil(items.length / decodeConcurrency)));
  for (let start = 0; start < items.length; start += step) {
    const end = Math.min(start + step, items.length);
    const work = async () => {
      // Where nothing has to be waited for, a signal would not be heard before the end.
      await setImmediate();
      for (let i = start; i < end && !stopped; i++) {
        signal?.throwIfAborted();
        results[i] = await map(items[i]!);
      }
      onDone?.(end - start);
    };
    tasks.push(
      queue.add(work).catch((error: unknown) => {
        stopped = true;
        throw error;
      }),
    );
  }
  const outcomes = await Promise.allSettled(tasks);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return results;
}
