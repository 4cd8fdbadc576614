/**
 * Times the sides of a comparison in turns, so that other work on the machine meets all of them alike, and keeps the best of each by the
 * clock and by processor time, which hardly notices other work.
 */
import { setTimeout as pause } from 'node:timers/promises';

/** Best of several repetitions, per run. */
export interface Timing {
  readonly wallSeconds: number;
  /** Of all threads. */
  readonly processorSeconds: number;
}

/** What one call of a side took, and the numbers it came to: what shows that all sides compute the same. */
export interface Timed extends Timing {
  readonly answer: readonly number[];
}

export interface Side {
  /** Does the work `count` times in a row; times are of all of them, the answer is the last one's. */
  run(count: number): Promise<Timed>;
}

export interface MeasureOptions {
  /** The runs before the first measured one. As many on every side, so that answers of trainings agree. */
  readonly warmUp: number;
  /** How long to go on, at least for `rounds`. */
  readonly seconds: number;
  /** At the least. 0 with 0 seconds: the warm-up is what is measured, for work of minutes. */
  readonly rounds: number;
}

export interface Measured<Name extends string> {
  readonly best: Readonly<Record<Name, Timing>>;
  /** After the warm-up. */
  readonly answers: Readonly<Record<Name, readonly number[]>>;
  readonly rounds: number;
  /** Runs of one repetition: short work is done many times, for a clock to see it. */
  readonly count: number;
}

/** A repetition takes this long at the least. */
const shortest = 0.2;

/** Worker threads spin for a while after their work. */
const settleMs = 250;

export async function measure<Name extends string>(
  sides: Readonly<Record<Name, Side>>,
  { warmUp, seconds, rounds: least }: MeasureOptions,
): Promise<Measured<Name>> {
  const named = Object.entries(sides) as [Name, Side][];
  const best = {} as Record<Name, Timing>;
  const answers = {} as Record<Name, readonly number[]>;
  let longest = 0;
  for (const [name, side] of named) {
    const first = await side.run(warmUp);
    answers[name] = first.answer;
    longest = Math.max(longest, first.wallSeconds / warmUp);
    if (least === 0) best[name] = perRun(first, warmUp);
  }
  const count = Math.max(1, Math.min(1000, Math.ceil(shortest / longest)));
  const end = performance.now() + seconds * 1000;
  let rounds = 0;
  for (; rounds < least || performance.now() < end; rounds++) {
    for (const [name, side] of named) {
      await pause(settleMs);
      best[name] = better(best[name], perRun(await side.run(count), count));
    }
  }
  return { best, answers, rounds, count };
}

/** Work of this process. `run` comes back when its numbers are there. */
export function ownSide(run: (count: number) => readonly number[] | Promise<readonly number[]>): Side {
  return {
    async run(count) {
      const start = performance.now();
      const before = process.cpuUsage();
      const answer = await run(count);
      const { user, system } = process.cpuUsage(before);
      const wallSeconds = (performance.now() - start) / 1e3;
      return { wallSeconds, processorSeconds: (user + system) / 1e6, answer };
    },
  };
}

/** `|a - b| / |b|`, Euclidean; Infinity where they cannot be compared. */
export function difference(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length) return Infinity;
  const norm = (values: readonly number[]) => Math.sqrt(values.reduce((sum, value) => sum + value ** 2, 0));
  const ratio = norm(a.map((value, i) => value - b[i]!)) / norm(b);
  return Number.isFinite(ratio) ? ratio : Infinity;
}

/** The largest `|a - b| / |b|` of the numbers one by one. */
export function largestDifference(a: readonly number[], b: readonly number[]): number {
  if (a.length !== b.length || a.length === 0) return Infinity;
  return Math.max(...a.map((value, i) => difference([value], [b[i]!])));
}

function perRun({ wallSeconds, processorSeconds }: Timing, count: number): Timing {
  return { wallSeconds: wallSeconds / count, processorSeconds: processorSeconds / count };
}

function better(a: Timing | undefined, b: Timing): Timing {
  if (a === undefined) return b;
  return {
    wallSeconds: Math.min(a.wallSeconds, b.wallSeconds),
    processorSeconds: Math.min(a.processorSeconds, b.processorSeconds),
  };
}
