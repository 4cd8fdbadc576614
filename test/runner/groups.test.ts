import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { JobPlan } from '../../pipeline/runner/contract.ts';
import { groupJobs, groupsId, type JobGroup } from '../../pipeline/runner/groups.ts';
import { dependenciesOf, makePlan, type Plan } from '../../pipeline/runner/plan.ts';
import { known } from '../../pipeline/util/known.ts';
import { stageNames, stages } from './fake-stages.ts';
import { job } from './rig.ts';

const planOf = (jobs: readonly JobPlan[]): Plan => makePlan(stages, { jobs }, 'wasm');
const shown = (groups: readonly JobGroup[]): string[] =>
  groups.map(
    ({ name, jobs, waits }) =>
      `${name}: ${jobs.map((planned) => planned.job.id.split('/')[1]).join(' ')}` +
      waits.map(({ group, wait }) => `, ${wait} ${group}`).join(''),
  );

describe('runner/groups', () => {
  it('makes an array of what is independent, and says how each waits', () => {
    const blocks = ['0', '1', '2'];
    const groups = groupJobs(
      planOf([
        job('data/all'),
        ...blocks.map((block) => job(`refit/${block}`, { needs: ['data/all'] })),
        ...blocks.map((block) => job(`distill/${block}`, { needs: ['data/all', `refit/${block}`] })),
        job('measure/all', { needs: ['data/all'], wants: blocks.map((block) => `distill/${block}`) }),
        job('rank/all', { needs: ['measure/all', 'distill/1'] }),
      ]),
    );
    assert.deepEqual(shown(groups), [
      'data.0: all',
      'refit.0: 0 1 2, all data.0',
      'distill.0: 0 1 2, all data.0, each refit.0',
      'measure.0: all, all data.0, ended distill.0',
      'rank.0: all, ended distill.0, all measure.0',
    ]);
  });

  it('cuts a chain into its links, also where it goes by way of other stages', () => {
    const groups = groupJobs(
      planOf([
        job('refit/0'),
        job('distill/0', { needs: ['refit/0'] }),
        job('refit/1', { needs: ['distill/0'] }),
        job('distill/1', { needs: ['refit/1'] }),
        job('refit/free'),
      ]),
    );
    assert.deepEqual(shown(groups), [
      'refit.0: 0 free',
      'distill.0: 0, ended refit.0',
      'refit.1: 1, all distill.0',
      'distill.1: 1, all refit.1',
    ]);
  });

  it('puts no job beside or before one that it depends on, whatever the plan', () => {
    const plans = fc
      .array(
        fc.record({ stage: fc.constantFrom(...stageNames), links: fc.array(fc.nat(30), { maxLength: 4 }) }),
        { minLength: 1, maxLength: 30 },
      )
      .map((nodes) => {
        const ids = nodes.map(({ stage }, index) => `${stage}/${index}`);
        return nodes.map(({ links }, index) => {
          const before = [...new Set(links.filter((link) => link < index).map((link) => ids[link]!))];
          const half = Math.ceil(before.length / 2);
          return job(ids[index]!, { needs: before.slice(0, half), wants: before.slice(half) });
        });
      });
    fc.assert(
      fc.property(plans, (jobs) => {
        const groups = groupJobs(planOf(jobs));
        const places = new Map(groups.flatMap((group, place) => group.jobs.map((p) => [p.job.id, place])));
        assert.equal(places.size, jobs.length, 'each job is in one group');
        assert.equal(new Set(groups.map(({ name }) => name)).size, groups.length);
        for (const [place, group] of groups.entries()) {
          const waited = new Set(group.waits.map((wait) => wait.group));
          for (const planned of group.jobs) {
            assert.equal(planned.stage, group.stage);
            for (const id of dependenciesOf(planned.job)) {
              const before = known(places, id);
              assert.ok(before < place, `${planned.job.id} beside ${id}`);
              assert.ok(waited.has(groups[before]!.name), `${planned.job.id} waits for ${id}`);
            }
          }
        }
      }),
      { numRuns: 100 },
    );
  });

  it('names the groups and their jobs by one id', () => {
    const jobs = [job('data/all'), job('refit/0', { needs: ['data/all'] })];
    const id = groupsId(groupJobs(planOf(jobs)));
    assert.match(id, /^[0-9a-f]{8}$/);
    const longer = jobs.map((one) => ({ ...one, settings: { epochs: 3 } }));
    assert.equal(groupsId(groupJobs(planOf(longer))), id, 'indices mean the same jobs');
    assert.notEqual(groupsId(groupJobs(planOf([...jobs, job('refit/1')]))), id);
  });
});
