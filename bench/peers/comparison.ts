import { bfloat16Obstacle } from '../../pipeline/precision/bfloat16-obstacle.ts';
import { plannedFacts } from '../../pipeline/precision/planned-facts.ts';
import type { Engine } from '../../pipeline/tensor/engine.ts';
import type { Precision } from '../../pipeline/tensor/recorded/precision.ts';
import type { Side } from './measure.ts';
import type { Peer } from './peer.ts';

/** What a row of the table compares, ready to be timed. */
export interface Comparison {
  /** Operations of one run, two per multiply-add of a product; absent where they say nothing. */
  readonly flop?: number | undefined;
  /** Absent where we have nothing of the kind yet. */
  readonly ours?: Side | undefined;
  /** The plain products that our side is made of, at its shapes, each once. */
  readonly products?: (Pick<Comparison, 'flop'> & { readonly side: Side; readonly flop: number }) | undefined;
  readonly peers: readonly { readonly name: string; readonly side: Side }[];
  /** Runs before the first measured one; after them the answers are compared. */
  readonly warmUp: number;
  /** What each number of the answers is, where they are few enough to be printed side by side. */
  readonly answers?: readonly string[] | undefined;
  /** Largest relative difference of the answers: Euclidean, or of each that has a name. */
  readonly tolerance: number;
  close(): void;
}

export interface BenchContext {
  readonly engine: Engine;
  /** For files that both sides read; removed afterwards. */
  readonly folder: string;
  /** With as many threads; undefined where no Python was named. One process for each number of threads. */
  readonly peer: (threads: number) => Promise<Peer | undefined>;
}

/** Whether our engine has products in this precision; what cannot must not try: it may end the process. */
export function canCompute({ name }: Engine, precision: Precision): boolean {
  return precision === 'float32' || bfloat16Obstacle(plannedFacts(name)) === undefined;
}

export interface Row {
  /** What `--only` knows it by. */
  readonly group: string;
  readonly title: string;
  /** One run takes minutes: not without `--whole`, and timed once, first runs included. */
  readonly isLong?: boolean | undefined;
  open(context: BenchContext): Promise<Comparison>;
}
