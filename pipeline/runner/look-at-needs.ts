import { fail } from '../util/failure.ts';
import type { JobId } from './contract.ts';
import type { FileDigests } from './file-digests.ts';
import type { JobInput } from './fingerprint.ts';
import { dependenciesOf, type Plan, type PlannedJob } from './plan.ts';
import { firstCause, inputOf, inspectJob, inspectPlan, type DecidedStatus } from './states.ts';

/** A job that is to be done by itself, with all that it stands on at hand. */
export interface ReadyJob {
  /** The job, and without being selected what it is made from, directly or not. */
  readonly around: Plan;
  readonly planned: PlannedJob;
  /** What it will read. Of what it only wants, that which is up to date. */
  readonly inputs: ReadonlyMap<JobId, JobInput>;
  readonly status: DecidedStatus;
}

/**
 * Looks at one job and at what it is made from, and at nothing else of the run. Reads only.
 * @param onMissing called with what it needs and is not there, before that is thrown
 * @throws BlockForgeError `usage` where no such job is planned, `job-failed` where what it needs is not up to date
 */
export async function lookAtNeeds(
  plan: Plan,
  id: JobId,
  runFolder: string,
  digests: FileDigests,
  onMissing: (missing: readonly JobId[]) => void = () => undefined,
): Promise<ReadyJob> {
  const around = planAround(plan, id);
  const planned = around.jobs.at(-1);
  if (planned?.job.id !== id) {
    fail({ reason: 'usage', subject: id, found: 'no such job in this run', expected: 'a job of its plan' });
  }
  const statuses = await inspectPlan({ ...around, jobs: around.jobs.slice(0, -1) }, runFolder, digests);
  const missing = planned.job.needs.filter((need) => statuses.get(need)?.state !== 'fresh');
  const [first] = missing;
  if (first !== undefined) {
    onMissing(missing);
    const cause = firstCause(around, statuses, first);
    const { state, why } = statuses.get(cause) ?? {};
    const more = missing.length === 1 ? '' : ` (and ${missing.length - 1} more)`;
    fail({
      reason: 'job-failed',
      subject: id,
      found:
        cause === first
          ? `it needs ${first}, which is not there (${state}: ${why})${more}`
          : `it needs ${first}, which needs ${cause}, and that is not there (${state}: ${why})${more}`,
      expected: 'all that it needs up to date in the run folder',
      next: `make that first: run-job ${cause} with the same options`,
    });
  }
  const inputs = new Map<JobId, JobInput>();
  for (const dependency of dependenciesOf(planned.job)) {
    const { state, record } = statuses.get(dependency) ?? {};
    if (state === 'fresh' && record !== undefined) inputs.set(dependency, inputOf(record));
  }
  const status = await inspectJob(around, planned, inputs, runFolder, digests);
  return { around, planned, inputs, status };
}

/** In the order of the plan, so the job itself is the last; nothing where there is no such job. */
function planAround(plan: Plan, id: JobId): Plan {
  const wanted = new Set<JobId>([id]);
  const jobs = [...plan.jobs].reverse().filter(({ job }) => {
    if (!wanted.has(job.id)) return false;
    for (const dependency of dependenciesOf(job)) wanted.add(dependency);
    return true;
  });
  return {
    ...plan,
    jobs: jobs.reverse().map((planned) => ({ ...planned, selected: planned.job.id === id })),
  };
}
