import type { JobId } from '../../runner/contract.ts';
import type { PlanRecord } from '../../runner/plan-record.ts';
import type { JobStanding, RunFacts } from './run-facts.ts';
import type { FailedJob, JobCounts, RunStatus } from './run-status.ts';
import { timeLeftOf } from './time-left-of.ts';
import { workersOf } from './workers-of.ts';

/** What the facts come to. Pure. */
export function judgeRun(facts: RunFacts): RunStatus {
  const { plan, done, pulses, logs } = facts;
  const alive = pulses.filter((pulse) => pulse.alive);
  const running = new Set(alive.flatMap(({ record }) => record.running.map(({ id }) => id)));
  const failures = failuresOf(facts);
  const jobs = plan.jobs.filter(({ selected }) => selected);
  const standing = new Map<JobId, JobStanding>();
  // Each stands behind what it needs.
  for (const job of jobs) standing.set(job.id, standingOf(job));

  function standingOf({ id, needs, ...job }: PlanRecord['jobs'][number]): JobStanding {
    if (running.has(id)) return 'running';
    const record = done.get(id);
    // A file of this run, or one that was there and is good.
    const isNew = record !== undefined && record.finishedAt !== job.finishedAt;
    if (record !== undefined && (isNew || job.state === 'fresh' || logs.fresh.has(id))) return 'done';
    if (failures.has(id)) return 'failed';
    const isBlocked = needs.some((need) => ['failed', 'blocked'].includes(standing.get(need) ?? ''));
    return isBlocked ? 'blocked' : 'left';
  }

  const counts = countJobs([...standing.values()]);
  const state = stateOf(facts, counts);
  const started = plan.time > (logs.started ?? '') ? plan.time : logs.started;
  const shownFailures = [...failures.values()].filter(({ job }) => standing.get(job) === 'failed');
  const recorded = jobs.flatMap(({ id }) =>
    standing.get(id) === 'done'
      ? (done.get(id)?.warnings ?? []).map((message) => ({ job: id, message }))
      : [],
  );
  const heard = logs.warnings.filter(({ job }) => standing.get(job) !== 'done');
  return {
    run: facts.run,
    folder: facts.folder,
    state,
    engine: plan.engine === '' ? undefined : plan.engine,
    started,
    jobs: counts,
    stages: plan.stages.flatMap((stage) => {
      const own = jobs.filter((job) => job.stage === stage).map(({ id }) => standing.get(id) ?? 'left');
      return own.length === 0 ? [] : [{ stage, ...countJobs(own) }];
    }),
    workers: workersOf(alive),
    lost: workersOf(pulses.filter(({ alive, record }) => !alive && record.ended === undefined)),
    ...(state === 'running' && {
      jobsPerHour: rateOf(facts),
      secondsLeft: timeLeftOf(facts, standing),
    }),
    failures: shownFailures,
    warnings: [...recorded, ...heard],
    disk: facts.disk,
  };
}

function stateOf({ pulses, logs }: RunFacts, { jobs, done, failed }: JobCounts): RunStatus['state'] {
  const alive = pulses.filter((pulse) => pulse.alive).map(({ record }) => record);
  if (alive.some(({ kind, running }) => kind !== 'worker' || running.length > 0)) return 'running';
  if (done === jobs) return 'finished';
  if (failed > 0) return 'failed';
  // Workers who wait for what somebody will queue.
  if (alive.length > 0) return 'running';
  return logs.interrupted === true ? 'interrupted' : 'nobody';
}

/** The latest of each job: those of a driver that is gone may not be in its log. */
function failuresOf({ pulses, logs }: RunFacts): ReadonlyMap<JobId, FailedJob> {
  const all = [...logs.failures, ...pulses.flatMap(({ record }) => record.failures)];
  all.sort((a, b) => a.time.localeCompare(b.time));
  return new Map(all.map((failed) => [failed.job, failed]));
}

function countJobs(standings: readonly JobStanding[]): JobCounts {
  const count = (which: JobStanding) => standings.filter((standing) => standing === which).length;
  return {
    jobs: standings.length,
    done: count('done'),
    running: count('running'),
    failed: count('failed'),
    blocked: count('blocked'),
    left: count('left'),
  };
}

const hourMs = 3_600_000;

/** Over so long that it does not matter by whose clock. */
function rateOf({ plan, done, now }: RunFacts): number | undefined {
  const begun = Math.max(Date.parse(plan.time), now - hourMs);
  const ended = plan.jobs.filter(({ id, finishedAt }) => {
    const record = done.get(id);
    return record !== undefined && record.finishedAt !== finishedAt && Date.parse(record.finishedAt) >= begun;
  });
  return ended.length === 0 || now - begun < 1000 ? undefined : (ended.length * hourMs) / (now - begun);
}
