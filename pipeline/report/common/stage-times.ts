import type { JobId } from '../../runner/contract.ts';
import { stageOf, type RunHistory } from './run-history.ts';

/** What a stage took, over all tries of its jobs. */
export interface StageTime {
  readonly stage: string;
  readonly jobs: number;
  readonly seconds: number;
  readonly longest: { readonly job: JobId; readonly seconds: number };
  /** Tries that did not end well: failed, stopped, lost. */
  readonly wrong: number;
  readonly peakBytes?: number | undefined;
}

/** What took most time first. */
export function stageTimes({ tries, peakBytes }: RunHistory): readonly StageTime[] {
  const jobs = new Map<JobId, { seconds: number; wrong: number }>();
  for (const { job, started, ended, end } of tries) {
    const { seconds = 0, wrong = 0 } = jobs.get(job) ?? {};
    jobs.set(job, {
      seconds: seconds + (ended - started) / 1000,
      wrong: wrong + (end === 'finished' ? 0 : 1),
    });
  }
  const stages = new Map<string, StageTime>();
  for (const [job, { seconds, wrong }] of jobs) {
    const stage = stageOf(job);
    const before = stages.get(stage);
    const peak = Math.max(peakBytes.get(job) ?? 0, before?.peakBytes ?? 0);
    stages.set(stage, {
      stage,
      jobs: (before?.jobs ?? 0) + 1,
      seconds: (before?.seconds ?? 0) + seconds,
      longest: before !== undefined && before.longest.seconds >= seconds ? before.longest : { job, seconds },
      wrong: (before?.wrong ?? 0) + wrong,
      ...(peak > 0 && { peakBytes: peak }),
    });
  }
  return [...stages.values()].sort((a, b) => b.seconds - a.seconds);
}
