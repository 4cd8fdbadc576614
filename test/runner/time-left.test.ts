import assert from 'node:assert/strict';
import type { JobPlan } from '../../pipeline/runner/contract.ts';
import type { PlannedJob } from '../../pipeline/runner/plan.ts';
import { createTimeLeft } from '../../pipeline/runner/time-left.ts';
import { job } from './rig.ts';
import { present } from '../support/present.ts';

function planned(id: string, seconds: number, parts: Partial<JobPlan> = {}): PlannedJob {
  const [stage] = id.split('/') as [PlannedJob['stage']];
  return {
    ...{ stage, stageVersion: 1, needsEngine: true, forced: false, selected: true },
    job: job(id, { estimate: { seconds, memoryBytes: 0, diskBytes: 0 }, ...parts }),
  };
}

describe('time left', () => {
  let clock = 0;
  const now = () => clock;
  beforeEach(() => {
    clock = 100;
  });

  it('of a run is the length of its schedule', () => {
    const jobs = [
      planned('order/a', 10),
      planned('order/b', 20),
      planned('order/c', 5),
      planned('measure/all', 7, { needs: ['order/a', 'order/c'] }),
      planned('profile/x', 3, { exclusive: true }),
    ];
    assert.equal(createTimeLeft(jobs, () => 1, now).run(), 45);
    // Two slots: b alone on one until 20; a, c, then measure on the other until 22; then the exclusive one.
    assert.equal(createTimeLeft(jobs, () => 2, now).run(), 25);
    // Enough slots: b until 20, a then measure until 17.
    assert.equal(createTimeLeft(jobs, () => 9, now).run(), 23);
  });

  it('of a job follows its own speed, from where it went on', () => {
    const left = createTimeLeft([planned('order/a', 10), planned('order/b', 10)], () => 2, now);
    left.started('order/a', false);
    left.started('order/b', true);
    left.progress('order/b', 0.5);
    clock += 10;
    assert.equal(left.progress('order/a', 0.25), 30);
    assert.ok(Math.abs(present(left.progress('order/b', 0.6)) - 40) < 1e-9);
    assert.ok(Math.abs(left.run() - 40) < 1e-9);
    clock += 5;
    assert.ok(Math.abs(left.run() - 35) < 1e-9, 'it goes down between two reports');
  });

  it('says nothing about a job that has hardly begun', () => {
    const left = createTimeLeft([planned('order/a', 10)], () => 1, now);
    assert.equal(left.progress('order/a', 0.5), undefined, 'not started');
    left.started('order/a', false);
    clock += 1;
    assert.equal(left.progress('order/a', 0.001), undefined);
    assert.equal(left.run(), 9, 'the estimate less the time gone');
  });

  it('corrects the estimates by what was measured, first of all on the same stage', () => {
    const jobs = [planned('order/a', 10), planned('order/b', 10), planned('rank/all', 4)];
    const left = createTimeLeft(jobs, () => 1, now);
    left.started('order/a', false);
    clock += 20;
    left.ended('order/a', true);
    assert.equal(left.run(), 20 + 8);
    left.started('order/b', true);
    clock += 1;
    left.ended('order/b', true);
    assert.equal(left.run(), 8, 'a resumed job is no measurement');
    left.ended('rank/all', false);
    assert.equal(left.run(), 0);
  });
});
