import assert from 'node:assert/strict';
import type { JobPlan } from '../../pipeline/runner/contract.ts';
import { makePlan } from '../../pipeline/runner/plan.ts';
import { createSchedule } from '../../pipeline/runner/schedule.ts';
import { sideBySide } from '../../pipeline/runner/side-by-side.ts';
import { stages } from './fake-stages.ts';
import { job } from './rig.ts';

const of = (id: string, seconds: number, parts: Partial<JobPlan> = {}): JobPlan =>
  job(id, { estimate: { seconds, memoryBytes: 0, diskBytes: 0 }, ...parts });

/** Two independent blocks in order, a chain of them in refit, one job behind all, and a timing alone on the machine. */
const jobs = [
  of('order/a', 10),
  of('order/b', 10),
  of('order/c', 4),
  of('refit/a', 5, { needs: ['order/a'] }),
  of('refit/b', 5, { needs: ['order/b', 'refit/a'] }),
  of('distill/a', 8, { needs: ['refit/a'] }),
  of('distill/b', 8, { needs: ['refit/b'] }),
  of('measure/all', 7, { needs: ['distill/a', 'distill/b'] }),
  of('profile/x', 3, { exclusive: true }),
];
const plan = makePlan(stages, { jobs }, 'wasm');

describe('what of a plan can be done side by side', () => {
  it('tells sets of independent jobs from chains, also where these go by way of other stages', () => {
    const shapes = sideBySide(plan).stages.map(({ stage, jobs: count, inARow, kind }) => [
      stage,
      count,
      inARow,
      kind,
    ]);
    assert.deepEqual(shapes, [
      ['order', 3, 1, 'set'],
      ['refit', 2, 2, 'chain'],
      ['distill', 2, 1, 'set'],
      ['measure', 1, 1, 'set'],
      ['profile', 1, 1, 'set'],
    ]);
    const mixed = [
      of('order/a', 1),
      of('order/b', 1),
      of('refit/a', 1, { needs: ['order/a'] }),
      of('refit/b', 1),
    ];
    const back = [...mixed, of('order/c', 1, { needs: ['refit/a'] })];
    const [order] = sideBySide(makePlan(stages, { jobs: back }, 'wasm')).stages;
    assert.deepEqual(order, { stage: 'order', jobs: 3, inARow: 2, kind: 'mixed' });
  });

  it('finds the longest chain, and what more slots bring by the estimates', () => {
    const { criticalPath, totalSeconds, bySlots } = sideBySide(plan);
    assert.deepEqual(criticalPath.jobs, ['order/a', 'refit/a', 'refit/b', 'distill/b', 'measure/all']);
    assert.equal(criticalPath.seconds, 35);
    assert.deepEqual(criticalPath.stages[0], { stage: 'order', seconds: 10 });
    assert.equal(totalSeconds, 60);
    const [one, two, four] = bySlots;
    assert.deepEqual(one, { slots: 1, seconds: 60, speedUp: 1 });
    assert.equal(two?.seconds, 38, 'the chain, and the timing behind it');
    assert.equal(four?.seconds, 38);
    const asked = sideBySide(plan, undefined, 3).bySlots.map(({ slots }) => slots);
    assert.deepEqual(asked, [1, 2, 3, 4, 8, 16]);
  });

  it('counts only the jobs that are to be done', () => {
    const { stages: shapes, totalSeconds } = sideBySide(plan, (id) => !/^(order|refit)/.test(id));
    assert.deepEqual(
      shapes.map(({ stage }) => stage),
      ['distill', 'measure', 'profile'],
    );
    assert.equal(totalSeconds, 26);
    const nothing = sideBySide(plan, () => false);
    assert.deepEqual(nothing.stages, []);
    assert.deepEqual(nothing.criticalPath, { jobs: [], seconds: 0, stages: [] });
    assert.equal(nothing.bySlots[1]?.speedUp, 1);
  });
});

describe('a schedule', () => {
  it('starts what has the longest way to the end first, of equals the first of the plan', () => {
    const short = [of('order/a', 1), of('order/b', 1), of('order/c', 6), of('order/d', 6)];
    const schedule = createSchedule(makePlan(stages, { jobs: short }, 'wasm').jobs);
    const play = (slots: number): number =>
      schedule.play({ slots, secondsOf: ({ job: { estimate } }) => estimate.seconds });
    assert.equal(play(1), 14);
    assert.equal(play(2), 7);
    assert.equal(play(3), 6);
  });

  it('goes on from a moment at which some jobs run and others have ended', () => {
    const schedule = createSchedule(plan.jobs);
    const done = new Set(['order/a', 'order/b', 'order/c', 'refit/a']);
    const seconds = schedule.play({
      slots: 2,
      secondsOf: ({ job: { id, estimate } }) => (id === 'refit/b' ? 2 : estimate.seconds),
      isRunning: (id) => id === 'refit/b',
      hasEnded: (id) => done.has(id),
    });
    assert.equal(seconds, 2 + 8 + 7 + 3);
  });

  it('of thousands of jobs fills its slots', () => {
    const blocks = Array.from({ length: 2000 }, (_, block) => [
      of(`order/${block}`, 1),
      of(`refit/${block}`, 2, { needs: [`order/${block}`] }),
    ]).flat();
    const schedule = createSchedule(makePlan(stages, { jobs: blocks }, 'wasm').jobs);
    const seconds = schedule.play({ slots: 100, secondsOf: ({ job: { estimate } }) => estimate.seconds });
    assert.equal(seconds, 60);
  });
});
