import type { JobId } from './contract.ts';
import { dependenciesOf, type Plan, type PlannedJob } from './plan.ts';
import { rankByWayToEnd } from './queue.ts';
import { createSchedule } from './schedule.ts';

/** How the jobs of a stage depend on each other. */
export interface StageShape {
  readonly stage: string;
  readonly jobs: number;
  /** Most jobs of it that follow each other, be it by way of other stages: 1 where all are independent. */
  readonly inARow: number;
  /** A set: all at once. A chain: one after the other. Mixed: neither. */
  readonly kind: 'set' | 'chain' | 'mixed';
}

/** What of a plan can be done at once, by its estimates. All times in seconds. */
export interface SideBySide {
  /** In the order of the plan, those with jobs to do. */
  readonly stages: readonly StageShape[];
  /** The longest way from a first job to a last one: no number of slots takes less. */
  readonly criticalPath: {
    readonly jobs: readonly JobId[];
    readonly seconds: number;
    /** How much of it is of which stage, the most first. */
    readonly stages: readonly { readonly stage: string; readonly seconds: number }[];
  };
  /** Of all jobs, one after the other. */
  readonly totalSeconds: number;
  readonly bySlots: readonly {
    readonly slots: number;
    readonly seconds: number;
    /** Over one slot. */
    readonly speedUp: number;
  }[];
}

const slotCounts: readonly number[] = [1, 2, 4, 8, 16];

/**
 * Which stages are chains and which are sets of independent jobs, and what more slots would bring.
 * @param toDo the jobs that count; the others have been done. Default: all that the selection leaves
 * @param atOnce a number of slots that is to be among those told
 */
export function sideBySide(
  plan: Pick<Plan, 'stages' | 'jobs'>,
  toDo: (id: JobId) => boolean = () => true,
  atOnce = 1,
): SideBySide {
  const jobs = plan.jobs.filter(({ job, selected }) => selected && toDo(job.id));
  const schedule = createSchedule(jobs);
  const secondsOf = ({ job }: PlannedJob): number => job.estimate.seconds;
  const totalSeconds = jobs.reduce((sum, planned) => sum + secondsOf(planned), 0);
  return {
    stages: plan.stages.flatMap((stage) => shapeOf(stage, jobs)),
    criticalPath: criticalPathOf(jobs),
    totalSeconds,
    bySlots: [...new Set([...slotCounts, atOnce])]
      .toSorted((a, b) => a - b)
      .map((slots) => {
        const seconds = schedule.play({ slots, secondsOf });
        return { slots, seconds, speedUp: seconds > 0 ? totalSeconds / seconds : 1 };
      }),
  };
}

function shapeOf(stage: string, jobs: readonly PlannedJob[]): StageShape[] {
  const depths = new Map<JobId, number>();
  let [count, inARow] = [0, 0];
  for (const { job, stage: own } of jobs) {
    let depth = 0;
    for (const id of dependenciesOf(job)) depth = Math.max(depth, depths.get(id) ?? 0);
    if (own === stage) {
      depth++;
      count++;
      inARow = Math.max(inARow, depth);
    }
    depths.set(job.id, depth);
  }
  const kind = inARow === 1 ? 'set' : inARow === count ? 'chain' : 'mixed';
  return count === 0 ? [] : [{ stage, jobs: count, inARow, kind }];
}

function criticalPathOf(jobs: readonly PlannedJob[]): SideBySide['criticalPath'] {
  const ways = rankByWayToEnd({ jobs });
  const wayOf = ({ job }: PlannedJob): number => ways.get(job.id) ?? 0;
  const longest = jobs.reduce((most, planned) => Math.max(most, wayOf(planned)), 0);
  const path: PlannedJob[] = [];
  for (const planned of jobs) {
    const last = path.at(-1);
    // Each is behind what it depends on: the way goes on with the first that has all the rest of it.
    const left = last === undefined ? longest : wayOf(last) - last.job.estimate.seconds;
    const follows = last === undefined || dependenciesOf(planned.job).includes(last.job.id);
    if (follows && Math.abs(wayOf(planned) - left) <= 1e-9 * (1 + left)) path.push(planned);
  }
  const byStage = new Map<string, number>();
  for (const { job, stage } of path) byStage.set(stage, (byStage.get(stage) ?? 0) + job.estimate.seconds);
  const stages = [...byStage].map(([stage, seconds]) => ({ stage, seconds }));
  return {
    jobs: path.map(({ job }) => job.id),
    stages: stages.sort((a, b) => b.seconds - a.seconds),
    seconds: path.reduce((sum, { job }) => sum + job.estimate.seconds, 0),
  };
}
