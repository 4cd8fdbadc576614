import type { JobId, JobPlan, JobState } from './contract.ts';
import type { Plan } from './plan.ts';
import type { JobStatus } from './states.ts';

/** One line of `--plan`. */
export interface PlanRow {
  readonly job: JobId;
  readonly state: JobState;
  readonly why: string;
  readonly estimate: JobPlan['estimate'];
}

/** The selected jobs in the order of the plan, with what would happen to them and why. */
export function describePlan(plan: Plan, statuses: ReadonlyMap<JobId, JobStatus>): readonly PlanRow[] {
  return plan.jobs
    .filter(({ selected }) => selected)
    .map(({ job }) => {
      const status = statuses.get(job.id);
      if (status === undefined) throw new Error(`no state of ${job.id}: states come from another plan`);
      return { job: job.id, state: status.state, why: status.why, estimate: job.estimate };
    });
}
