/** Times of the last inferences of the model in use, and how they compare with the one before. */
export interface Latencies {
  /** Of a model with these descendants. */
  readonly add: (milliseconds: number) => void;
  /** Another model is in use. */
  readonly exchange: () => void;
  readonly count: () => number;
  /** Median in milliseconds; undefined before anything was computed. */
  readonly median: () => number | undefined;
  /** Of the model before. */
  readonly before: () => number | undefined;
}

const window = 50;
/** The first inferences of a model fill caches and compile programs for its shapes. */
const warmup = 2;

export function latencies(): Latencies {
  let times: number[] = [];
  let skipped = 0;
  let earlier: number | undefined;
  const median = () => {
    const sorted = [...times].sort((a, b) => a - b);
    const middle = Math.floor(sorted.length / 2);
    if (sorted.length === 0) return undefined;
    return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1]! + sorted[middle]!) / 2;
  };
  return {
    add(milliseconds) {
      if (skipped++ >= warmup) times = [...times.slice(1 - window), milliseconds];
    },
    exchange() {
      earlier = median() ?? earlier;
      times = [];
      skipped = 0;
    },
    count: () => times.length,
    median,
    before: () => earlier,
  };
}
