import { random } from '../../util/random.ts';
import { symmetricConfusion } from './confusion.ts';
import { improveBySwaps } from './improve-by-swaps.ts';
import { balancedSizes, type Partition } from './partition.ts';

export interface ConfusedTask {
  /** [K, K] row-major, from `confusionMatrix`; need not be symmetric. */
  readonly confusion: Float64Array;
  readonly classes: number;
  readonly subsets: number;
  /** together: classes that are taken for one another share a subset. apart: they do not. */
  readonly aim: 'together' | 'apart';
  readonly seed: number;
  /** Starts that are tried; default 8. */
  readonly starts?: number | undefined;
}

export interface ConfusedPartition {
  readonly partition: Partition;
  /** The share of all confusion between classes that lies within subsets. */
  readonly withinShare: number;
  /** What a random balanced partition has on average, exactly: the share of pairs of classes that share a subset. */
  readonly randomShare: number;
}

/**
 * The best of several local optima: classes in a random order (the first time by how confused they are), each to the
 * subset with room that suits it best, then swaps of two classes until none helps. Deterministic; the problem itself
 * (balanced graph partitioning) is NP-hard, so better ones may exist.
 */
export function confusedPartition(task: ConfusedTask): ConfusedPartition {
  const { classes, subsets, aim, seed, starts = 8 } = task;
  const sizes = balancedSizes(classes, subsets);
  const confusion = symmetricConfusion(task.confusion, classes);
  const total = confusion.reduce((a, b) => a + b, 0);
  const affinity = aim === 'together' ? confusion : confusion.map((value) => -value);
  let best: { homes: Int32Array; within: number } | undefined;
  for (let start = 0; start < starts; start++) {
    const homes = greedyHomes(affinity, startOrder(confusion, classes, seed, start), sizes);
    improveBySwaps(affinity, homes, subsets);
    const within = withinOf(affinity, homes);
    if (best === undefined || within > best.within + 1e-12 * total) best = { homes, within };
  }
  const homes = best?.homes ?? new Int32Array(classes);
  const partition = sizes.map((_, subset) =>
    Array.from({ length: classes }, (_, c) => c).filter((c) => homes[c] === subset),
  );
  return {
    partition: inOrder(partition),
    withinShare: total === 0 ? 0 : withinOf(confusion, homes) / total,
    randomShare: classes < 2 ? 0 : sizes.reduce((sum, n) => sum + n * (n - 1), 0) / (classes * (classes - 1)),
  };
}

function startOrder(confusion: Float64Array, classes: number, seed: number, start: number): number[] {
  const order = Array.from({ length: classes }, (_, c) => c);
  if (start > 0) return random(seed, 'partition', 'start', start).shuffle(order);
  const sums = order.map((c) =>
    confusion.subarray(c * classes, (c + 1) * classes).reduce((a, b) => a + b, 0),
  );
  return order.sort((a, b) => sums[b]! - sums[a]! || a - b);
}

/** The subset of every class. The first classes of the order open a subset each. */
function greedyHomes(affinity: Float64Array, order: readonly number[], sizes: readonly number[]): Int32Array {
  const classes = order.length;
  const homes = new Int32Array(classes).fill(-1);
  const room = [...sizes];
  for (const [place, c] of order.entries()) {
    const gains = new Float64Array(sizes.length);
    for (const other of order.slice(0, place)) gains[homes[other]!]! += affinity[c * classes + other]!;
    let chosen = place < sizes.length ? place : -1;
    if (chosen < 0) {
      for (let s = 0; s < sizes.length; s++) {
        if (room[s]! === 0) continue;
        const isBetter = chosen < 0 || gains[s]! > gains[chosen]!;
        if (isBetter || (gains[s] === gains[chosen] && room[s]! > room[chosen]!)) chosen = s;
      }
    }
    homes[c] = chosen;
    room[chosen]!--;
  }
  return homes;
}

/** Over ordered pairs, as `total` is. */
function withinOf(affinity: Float64Array, homes: Int32Array): number {
  const classes = homes.length;
  let sum = 0;
  for (let i = 0; i < classes; i++) {
    for (let j = 0; j < classes; j++) if (homes[i] === homes[j]) sum += affinity[i * classes + j]!;
  }
  return sum;
}

/** Subsets by their first class, so that equal partitions are equal values. */
function inOrder(partition: readonly (readonly number[])[]): Partition {
  return [...partition].sort((a, b) => a[0]! - b[0]!);
}
