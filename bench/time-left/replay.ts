import type { PlannedJob } from '../../pipeline/runner/plan.ts';
import { createTimeLeft } from '../../pipeline/runner/time-left.ts';
import { createSteadyTime } from '../../pipeline/terminal/steady-time.ts';
import type { RecordedRun } from './recorded-run.ts';

/** What was on the screen when a share of the run had passed, and what was true. Seconds. */
export interface Said {
  readonly share: number;
  readonly said: number;
  readonly left: number;
  /** Of what was left; positive: too long. */
  readonly error: number;
}

/** Plays a recorded run through what guesses its time left. @param shares in ascending order */
export function replay(run: RecordedRun, shares: readonly number[]): readonly Said[] {
  let clock = 0;
  const now = (): number => clock;
  const left = createTimeLeft(run.jobs.map(plannedOf), () => run.slots, now);
  const shown = createSteadyTime(now);
  const said: Said[] = [];
  const look = (until: number): void => {
    for (const share of shares.slice(said.length)) {
      const at = share * run.seconds;
      if (at > until) return;
      clock = at;
      const text = shown.read() ?? left.run();
      said.push({ share, said: text, left: run.seconds - at, error: text / (run.seconds - at) - 1 });
    }
  };
  for (const { at, job, what, fraction = 0 } of run.happenings) {
    look(at);
    clock = at;
    if (what === 'started' || what === 'resumed') left.started(job, what === 'resumed');
    else if (what === 'progress') {
      left.progress(job, fraction);
      shown.hear(left.run());
    } else {
      left.ended(job, what === 'ran');
      if (what === 'ran') shown.hear(left.run());
    }
  }
  look(Infinity);
  return said;
}

function plannedOf({ id, stage, needs, wants, seconds, exclusive }: RecordedRun['jobs'][number]): PlannedJob {
  const estimate = { seconds, memoryBytes: 0, diskBytes: 0 };
  return {
    job: { id, needs, wants, exclusive, settings: null, estimate },
    ...{ stage, stageVersion: 0, needsEngine: false, forced: false, selected: true },
  };
}
