import type { JobId } from '../../runner/contract.ts';
import type { PlannedJob } from '../../runner/plan.ts';
import type { PlanRecord } from '../../runner/plan-record.ts';
import { createSchedule } from '../../runner/schedule.ts';
import type { JobStanding, RunFacts } from './run-facts.ts';
import { workersOf } from './workers-of.ts';

/**
 * Seconds until the run ends: as its driver guesses, else by playing what is left on those who are at work, the plan's
 * estimates corrected by what was measured.
 */
export function timeLeftOf(
  { plan, done, pulses }: RunFacts,
  standing: ReadonlyMap<JobId, JobStanding>,
): number | undefined {
  const alive = pulses.filter((pulse) => pulse.alive);
  const driver = alive.find(({ record }) => record.kind === 'run' && record.secondsLeft !== undefined);
  if (driver?.record.secondsLeft !== undefined) return driver.record.secondsLeft;

  const ended = (id: JobId): boolean => !['running', 'left'].includes(standing.get(id) ?? '');
  const jobs = plan.jobs.filter(({ id, selected }) => selected && !ended(id));
  const correction = correctionOf(plan, done);
  const running = new Map(workersOf(alive).flatMap((worker) => worker.running.map((job) => [job.id, job])));
  const secondsOf = ({ job, stage }: PlannedJob): number => {
    const whole = job.estimate.seconds * correction(stage);
    const at = running.get(job.id);
    return at === undefined ? whole : (at.secondsLeft ?? Math.max(0, whole - at.seconds));
  };
  const workers = alive.filter(({ record }) => record.kind === 'worker');
  const doing = workers.length > 0 ? workers : alive;
  const slots = doing.reduce((sum, { record }) => sum + (record.slots ?? 1), 0);
  return createSchedule(jobs.map(plannedOf)).play({
    slots: Math.max(1, slots),
    secondsOf,
    isRunning: (id) => running.has(id),
  });
}

/** Measured over estimated: of the job's own stage, else of all, else 1. */
function correctionOf(plan: PlanRecord, done: RunFacts['done']): (stage: string) => number {
  const sums = new Map<string, { seconds: number; estimated: number }>();
  for (const { id, stage, seconds: estimated } of plan.jobs) {
    const record = done.get(id);
    if (record === undefined) continue;
    for (const name of [stage, '']) {
      const { seconds, estimated: before } = sums.get(name) ?? { seconds: 0, estimated: 0 };
      sums.set(name, { seconds: seconds + record.seconds, estimated: before + estimated });
    }
  }
  return (stage) => {
    const own = sums.get(stage) ?? sums.get('');
    return own !== undefined && own.estimated > 0 && own.seconds > 0 ? own.seconds / own.estimated : 1;
  };
}

function plannedOf({
  id,
  stage,
  needs,
  wants,
  seconds,
  exclusive,
  selected,
}: PlanRecord['jobs'][number]): PlannedJob {
  return {
    job: { id, needs, wants, exclusive, settings: null, estimate: { seconds, memoryBytes: 0, diskBytes: 0 } },
    stage,
    stageVersion: 0,
    needsEngine: false,
    forced: false,
    selected,
  };
}
