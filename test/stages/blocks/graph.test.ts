import assert from 'node:assert/strict';
import type { JobPlan } from '../../../pipeline/runner/contract.ts';
import { stages } from '../../../pipeline/stages/blocks/graph.ts';
import { vitBase } from '../../support/checkpoints.ts';
import { planInput } from './plan-input.ts';
import { present } from '../../support/present.ts';

/** The jobs that a config with these settings plans, by id. */
function jobsOf(config: object): ReadonlyMap<string, JobPlan> {
  const input = planInput(config, vitBase);
  return new Map(stages.flatMap((stage) => stage.plan(input)).map((job) => [job.id, job]));
}

describe('the jobs of the method blocks', () => {
  const shapes = (splits: object) => ({ data: { source: 'shapes', splits } });
  const shardOf = (from: string) =>
    present(jobsOf({ ...shapes({ calibration: 2048 }), inputs: { from } }).get('statistics/shard-0'));

  it('count the inputs of training images where they are trained on, and only there', () => {
    const inputs = (images: number) => images * 64 * 768 * 4 * 12;
    const covariances = 12 * 3072 ** 2 * 8;
    assert.equal(shardOf('teacher').estimate.diskBytes, inputs(2048) + covariances);
    // A tenth is held out, and always kept.
    assert.equal(shardOf('composed').estimate.diskBytes, inputs(205) + covariances);
  });

  it('divide what they write among the shards, but for the covariances, which each has of its own', () => {
    const diskOf = (shards: number) =>
      present(
        jobsOf({
          ...shapes({ calibration: 2048 }),
          inputs: { from: 'teacher' },
          statistics: { shards },
        }).get('statistics/shard-0'),
      ).estimate.diskBytes;
    const covariances = 12 * 3072 ** 2 * 8;
    assert.equal(diskOf(4) - covariances, (diskOf(1) - covariances) / 4);
  });

  it('are others for inputs of the teacher: what was written without them does not do', () => {
    assert.notDeepEqual(shardOf('composed').settings, shardOf('teacher').settings);
  });

  it('collect what the order criterion asks for, and no more', () => {
    const needs = (criterion: string) =>
      (present(jobsOf({ order: { criterion } }).get('statistics/shard-0')).settings as { needs: unknown })
        .needs;
    assert.deepEqual(needs('reconstruction'), []);
    assert.deepEqual(needs('taylor'), ['saliency']);
    assert.deepEqual(needs('active-energy'), ['activeRate']);
  });

  it("are independent of each other, block by block, only where all inputs are the teacher's", () => {
    const needs = (from: string, id: string) => present(jobsOf({ inputs: { from } }).get(id)).needs;
    for (const stage of ['refit', 'distill']) {
      assert.ok(needs('composed', `${stage}/block-02`).includes(`${stage}/block-01`));
      assert.ok(!needs('teacher', `${stage}/block-02`).includes(`${stage}/block-01`));
    }
    assert.ok(!needs('teacher', 'refit/block-02').includes('data/splits'), 'no image is read again');
  });

  it('are one shard per 2,048 images, whatever runs them, or as many as the config says', () => {
    const shards = (config: object, stage: string) =>
      [...jobsOf(config).keys()].filter((id) => id.startsWith(`${stage}/shard-`)).length;
    const many = shapes({ calibration: 2049, selection: 2048 });
    assert.equal(shards(many, 'statistics'), 2);
    assert.equal(shards(many, 'measure'), 1);
    const given = { ...many, statistics: { shards: 1 }, measure: { shards: 3 } };
    assert.deepEqual(
      ['statistics', 'measure', 'compositions'].map((stage) => shards(given, stage)),
      [1, 3, 3],
    );
  });

  it('wait for what they need, and go on without the blocks that failed', () => {
    const jobs = jobsOf({});
    for (const job of jobs.values()) {
      for (const id of [...job.needs, ...(job.wants ?? [])]) assert.ok(jobs.has(id), `${job.id} reads ${id}`);
    }
    assert.ok(present(present(jobs.get('measure/shard-0')).wants).includes('distill/block-11'));
    assert.ok(present(jobs.get('export/library')).needs.includes('rank/library'));
  });

  it('are found again by the settings in the record of the export, all of the config', () => {
    const { settings, folder } = present(jobsOf({ seed: 7 }).get('export/library'));
    assert.equal(folder, 'library');
    assert.equal((settings as { config: { seed: number } }).config.seed, 7);
  });
});
