import type { JobId } from '../../runner/contract.ts';
import type { PlanRecord } from '../../runner/plan-record.ts';
import type { HeardPulse } from '../../runner/read-pulses.ts';
import type { DoneFacts } from './read-done.ts';
import type { LogFacts } from './read-log.ts';
import type { RunStatus } from './run-status.ts';

/** All that can be read of a run. */
export interface RunFacts {
  readonly run: string;
  readonly folder: string;
  readonly plan: PlanRecord;
  readonly done: ReadonlyMap<JobId, DoneFacts>;
  readonly pulses: readonly HeardPulse[];
  readonly logs: LogFacts;
  readonly disk: RunStatus['disk'];
  /** This machine's clock, in ms. */
  readonly now: number;
}

export type JobStanding = 'done' | 'running' | 'failed' | 'blocked' | 'left';
