import assert from 'node:assert/strict';
import type { JobPlan, Stage } from '../../pipeline/runner/contract.ts';
import { openFileDigests } from '../../pipeline/runner/file-digests.ts';
import { makePlan, type Selection } from '../../pipeline/runner/plan.ts';
import {
  checkPrerequisites,
  describePlan,
  inspectPlan,
  type JobStatus,
} from '../../pipeline/runner/states.ts';
import type { BlockForgeError } from '../../pipeline/util/failure.ts';
import { stages as allStages, type FakeInput } from './fake-stages.ts';
import { job } from './rig.ts';

function plan(
  jobs: readonly JobPlan[],
  selection?: Selection,
  stages: readonly Stage<FakeInput>[] = allStages,
) {
  return makePlan(stages, { jobs }, 'wasm', selection);
}

describe('plan', () => {
  it('puts every job behind what it needs or wants, and keeps the order of the stages otherwise', () => {
    const jobs = [
      job('order/a', { needs: ['statistics/all'] }),
      job('statistics/all', { wants: ['rank/early'] }),
      job('order/b', { needs: ['statistics/all'] }),
      job('rank/early'),
      job('data/all'),
    ];
    const ids = plan(jobs).jobs.map((planned) => planned.job.id);
    assert.deepEqual(ids, ['data/all', 'rank/early', 'statistics/all', 'order/a', 'order/b']);
  });

  it('--only names the first cause of what is not up to date', () => {
    const jobs = [
      job('order/a'),
      job('order/b'),
      job('refit/a', { wants: ['order/a', 'order/b'] }),
      job('measure/a', { needs: ['refit/a'] }),
      job('rank/all', { needs: ['measure/a'] }),
    ];
    const madeFrom = (...ids: string[]) =>
      ({
        madeFrom: { inputs: Object.fromEntries(ids.map((id) => [id, ''])) },
      }) as unknown as JobStatus['record'];
    const statuses = new Map<string, JobStatus>([
      // Never there when refit/a was made: no cause of anything.
      ['order/a', { state: 'missing', why: 'never finished' }],
      ['order/b', { state: 'stale', why: 'its output w is gone', record: madeFrom() }],
      ['refit/a', { state: 'stale', why: 'order/b is not there any more', record: madeFrom('order/b') }],
      ['measure/a', { state: 'stale', why: 'refit/a is not up to date', record: madeFrom('refit/a') }],
    ]);
    assert.throws(
      () => checkPrerequisites(plan(jobs, { only: 'rank' }), statuses),
      (error: BlockForgeError) => {
        const { found, next } = error.failure;
        assert.equal(
          found,
          'rank/all needs measure/a, which needs order/b, and that is not there (stale: its output w is gone)',
        );
        assert.equal(next, 'run --only order first, or leave out --only');
        return true;
      },
    );
  });

  it('takes nonsense for a bug', () => {
    assert.throws(
      () => plan([job('order/a', { needs: ['order/z'] })]),
      /order\/a needs order\/z, which no stage planned/,
    );
    assert.throws(() => plan([job('order/a', { wants: ['order/z'] })]), /order\/z/);
    assert.throws(() => plan([job('order/a'), job('order/a')]), /two jobs are called order\/a/);
    const cycle = [job('order/a', { needs: ['rank/b'] }), job('rank/b', { wants: ['order/a'] })];
    assert.throws(() => plan(cycle), /order\/a -> rank\/b -> order\/a/);
    for (const id of ['order/', 'order/a/b', 'order/..', 'order/.hidden', 'order/a.tmp-1', 'order/a b']) {
      assert.throws(() => plan([job(id)]), /expected order\/<part>/, id);
    }
    for (const folder of ['../x', 'order', '.x', 'a/b', 'x.tmp-1']) {
      assert.throws(() => plan([job('order/a', { folder })]), /cannot be published in/, folder);
    }
    const twice = [job('order/a', { folder: 'library' }), job('order/b', { folder: 'library' })];
    assert.throws(() => plan(twice), /order\/b cannot be published in 'library'/);
    const foreign: Stage<FakeInput> = {
      name: 'order',
      version: 1,
      plan: () => [job('rank/a')],
      work: () => Promise.reject(new Error('not run here')),
    };
    assert.throws(() => plan([], {}, [foreign]), /stage order planned the job id 'rank\/a'/);
  });

  it('--from forces a stage and all that follows from it, --only leaves the rest out', () => {
    const jobs = [
      job('order/a'),
      job('refit/a', { needs: ['order/a'] }),
      job('measure/a', { wants: ['refit/a'] }),
      job('profile/a', { needs: ['order/a'] }),
      job('rank/all', { needs: ['measure/a', 'profile/a'] }),
    ];
    const forced = plan(jobs, { from: 'refit' }).jobs.filter((planned) => planned.forced);
    assert.deepEqual(
      forced.map((planned) => planned.job.id),
      ['refit/a', 'measure/a', 'rank/all'],
    );
    const selected = plan(jobs, { only: 'profile' }).jobs.filter((planned) => planned.selected);
    assert.deepEqual(
      selected.map((planned) => planned.job.id),
      ['profile/a'],
    );
    assert.throws(
      () => plan(jobs, { from: 'teacher' }),
      (error: BlockForgeError) =>
        error.failure.reason === 'usage' &&
        error.failure.expected === 'one of: order, refit, measure, profile, rank',
    );
  });

  it('describes a hundred jobs of a new run in well under a second', async () => {
    const parts = Array.from({ length: 50 }, (_, i) => `block-${i}`);
    const jobs = [
      ...parts.map((part) => job(`order/${part}`)),
      ...parts.map((part) => job(`refit/${part}`, { needs: parts.map((other) => `order/${other}`) })),
    ];
    const started = performance.now();
    const big = plan(jobs);
    const rows = describePlan(big, await inspectPlan(big, '/nowhere', await openFileDigests('/nowhere')));
    const seconds = (performance.now() - started) / 1000;
    assert.equal(rows.length, 100);
    assert.deepEqual(rows[0], {
      job: 'order/block-0',
      state: 'missing',
      why: 'never finished',
      estimate: jobs[0]!.estimate,
    });
    assert.equal(rows[99]!.why, 'order/block-0 runs first');
    assert.ok(seconds < 1, `${seconds} s`);
  });
});
