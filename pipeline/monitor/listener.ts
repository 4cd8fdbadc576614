import type { Subscriber } from '../runner/events.ts';
import type { Failure } from '../util/failure.ts';

/** Hears the events of a run beside the terminal: metrics, trackers, hooks. None of them stops or fails a run. */
export interface Listener {
  /** Never throws. */
  readonly handle: Subscriber;
  /** Says what is still to be said, in bounded time; never throws. */
  close(end: RunEnd): Promise<void>;
}

/** How a run ended, also one that was refused before its first job: then no event told of it. */
export interface RunEnd {
  readonly outcome: 'done' | 'failed' | 'interrupted';
  /** That of the command line; 75: stopped with work left, the same command goes on. */
  readonly exitCode: number;
  /** From the start of the command. */
  readonly seconds: number;
  /** What went wrong beside the jobs, or refused the run. */
  readonly troubles: readonly Failure[];
}

/** What listeners are told of a run before it begins. */
export interface RunFacts {
  readonly name: string;
  /** The run folder, absolute. */
  readonly folder: string;
  readonly engine: string;
  /** Of BlockForge. */
  readonly version: string;
  /** Without executor, monitor and onFinish: there may be secrets in them. */
  readonly config: Readonly<Record<string, unknown>>;
  /** What a run that ends well hands on, as far as it is there: absolute paths by name (`library`, `report`, ...). */
  results(): Readonly<Record<string, string>>;
}
