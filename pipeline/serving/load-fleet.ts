import { BlockForgeError } from '../util/failure.ts';
import { quantile } from '../util/quantile.ts';
import type { FleetAnswer } from './ask-fleet.ts';
import type { Fleet } from './open-fleet.ts';
import type { ImageBytes } from './protocol.ts';
import type { WireCounter } from './wire-counter.ts';

export interface LoadOptions {
  readonly images: readonly ImageBytes[];
  /** Ends after so many, or after so many seconds, whichever is first. */
  readonly requests: number;
  readonly seconds?: number | undefined;
  /** Requests that are under way at once. */
  readonly concurrency: number;
  readonly wire: WireCounter;
  readonly signal?: AbortSignal | undefined;
  readonly onAnswer?: ((done: number) => void) | undefined;
}

export interface Quantiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly max: number;
}

/** What a fleet did under load; milliseconds. A type, so that it is JSON. */
export type LoadReport = {
  readonly requests: number;
  /** Requests without an answer, and why the first was. */
  readonly failed: number;
  readonly firstFailure: string | null;
  /** Answers that some device had no part in, and how often each. */
  readonly partial: number;
  readonly missing: Readonly<Record<string, number>>;
  readonly seconds: number;
  readonly perSecond: number;
  readonly latency: Quantiles;
  /** Running its sub-models, of the device that took longest for an image. */
  readonly slowestDevice: Quantiles;
  /** Latency less that, image by image. */
  readonly overhead: Quantiles;
  /** Decoding and normalising on the device, and waiting there for a place; the longest of an image. */
  readonly prepare: Quantiles;
  readonly queue: Quantiles;
  /** On all connections together; without the headers of TCP and IP. */
  readonly bytesPerImage: { readonly sent: number; readonly received: number };
};

/** Sends images, one after another in `concurrency` lines, and measures. */
export async function loadFleet(fleet: Fleet, options: LoadOptions): Promise<LoadReport> {
  const { images, requests, seconds = Infinity, concurrency, wire, signal, onAnswer } = options;
  const numbers: Record<'latency' | 'slowest' | 'overhead' | 'prepare' | 'queue', number[]> = {
    latency: [],
    slowest: [],
    overhead: [],
    prepare: [],
    queue: [],
  };
  const missing: Record<string, number> = {};
  const failures: string[] = [];
  let [sent, partial, failed] = [0, 0, 0];
  const began = performance.now();
  const before = wire.read();
  const elapsed = (): number => (performance.now() - began) / 1000;
  const take = ({ latencyMs, answered, missing: absent }: FleetAnswer): void => {
    const longest = (key: 'inferMs' | 'prepareMs' | 'queueMs'): number =>
      answered.reduce((most, times) => Math.max(most, times[key]), 0);
    numbers.latency.push(latencyMs);
    numbers.slowest.push(longest('inferMs'));
    numbers.overhead.push(latencyMs - longest('inferMs'));
    numbers.prepare.push(longest('prepareMs'));
    numbers.queue.push(longest('queueMs'));
    if (absent.length > 0) partial++;
    for (const { device } of absent) missing[device] = (missing[device] ?? 0) + 1;
  };
  const line = async (): Promise<void> => {
    while (sent < requests && elapsed() < seconds && signal?.aborted !== true) {
      const index = sent++;
      try {
        take(await fleet.predict(images[index % images.length]!, `image ${index % images.length}`));
      } catch (error) {
        if (!(error instanceof BlockForgeError)) throw error;
        failed++;
        if (failures.length === 0) failures.push(error.message);
      }
      onAnswer?.(numbers.latency.length + failed);
    }
  };
  await Promise.all(Array.from({ length: concurrency }, line));
  const took = elapsed();
  const after = wire.read();
  const done = numbers.latency.length;
  return {
    requests: done + failed,
    failed,
    firstFailure: failures[0] ?? null,
    partial,
    missing,
    seconds: took,
    perSecond: done / took,
    latency: quantilesOf(numbers.latency),
    slowestDevice: quantilesOf(numbers.slowest),
    overhead: quantilesOf(numbers.overhead),
    prepare: quantilesOf(numbers.prepare),
    queue: quantilesOf(numbers.queue),
    bytesPerImage: {
      sent: (after.sent - before.sent) / Math.max(1, done + failed),
      received: (after.received - before.received) / Math.max(1, done + failed),
    },
  };
}

function quantilesOf(values: readonly number[]): Quantiles {
  const at = (share: number): number => (values.length === 0 ? 0 : quantile(values, share));
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99), max: at(1) };
}
