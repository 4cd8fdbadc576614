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

  it('keep of the images what the refit is checked on, a tenth, beside the covariances', () => {
    const { estimate } = present(jobsOf(shapes({ calibration: 2048 })).get('statistics/shard-0'));
    assert.equal(estimate.diskBytes, 205 * 64 * 768 * 4 * 12 + 12 * 3072 ** 2 * 8);
  });

  it('take more of everything with more images: streams on disk up to what the config allows', () => {
    const of = (calibration: number, more: object = {}) =>
      present(jobsOf({ ...shapes({ calibration }), inputs: { diskGB: 20 }, ...more }).get('refit/shard-0'))
        .estimate;
    const streams = 1000 * 5 * 197 * (2 * 768 + 4);
    const { diskBytes } = of(1000, { inputs: { from: 'teacher' } });
    assert.equal(of(1000).diskBytes - diskBytes, streams);
    assert.ok(of(2000).seconds > 1.5 * of(1000).seconds);
    const shards = { descendants: { shards: 1 } };
    assert.equal(of(50_000, shards).diskBytes - diskBytes, 20e9);
    assert.ok(of(50_000, shards).seconds > 50 * of(1000).seconds, 'what is not kept is computed again');
  });

  it('divide what they write among the shards, but for the covariances, which each has of its own', () => {
    const diskOf = (shards: number) =>
      present(
        jobsOf({
          ...shapes({ calibration: 2048 }),
          statistics: { shards },
        }).get('statistics/shard-0'),
      ).estimate.diskBytes;
    const covariances = 12 * 3072 ** 2 * 8;
    assert.equal(diskOf(4) - covariances, (diskOf(1) - covariances) / 4);
  });

  it('collect what the order criterion asks for, and no more', () => {
    const needs = (criterion: string) =>
      (present(jobsOf({ order: { criterion } }).get('statistics/shard-0')).settings as { needs: unknown })
        .needs;
    assert.deepEqual(needs('reconstruction'), []);
    assert.deepEqual(needs('taylor'), ['saliency']);
    assert.deepEqual(needs('active-energy'), ['activeRate']);
  });

  it('divide the widths among refits and trainings, each of which reads its own refit alone', () => {
    const jobs = jobsOf({ descendants: { shards: 2 } });
    const widthsOf = (id: string) =>
      (present(jobs.get(id)).settings as { steps: { width: number }[] }).steps.map(({ width }) => width);
    for (const stage of ['refit', 'distill']) {
      assert.deepEqual(widthsOf(`${stage}/shard-0`), [1840, 1536]);
      assert.deepEqual(widthsOf(`${stage}/shard-1`), [1232, 920]);
    }
    const { needs } = present(jobs.get('distill/shard-1'));
    assert.deepEqual(
      needs.filter((id) => id.startsWith('refit/')),
      ['refit/shard-1'],
    );
    assert.ok(present(jobs.get('refit/shard-1')).needs.includes('order/block-11'));
  });

  it('read no image again where a refit looks at the teacher alone', () => {
    const needs = (from: string) => present(jobsOf({ inputs: { from } }).get('refit/shard-0')).needs;
    assert.ok(!needs('teacher').includes('data/splits'));
    assert.ok(needs('composed').includes('data/splits'));
  });

  it('plan the memory that a training step was seen to take, by the images of its batch', () => {
    // Measured: one layer less than these count was differentiated, and the head's rows alone of the last.
    const model = {
      ...vitBase,
      imageSize: 518,
      patchSize: 14,
      width: 192,
      hidden: 768,
      heads: 3,
      classes: 10,
    };
    const plan = (depth: number, batchSize: number) => {
      const config = {
        ...shapes({ calibration: 1000 }),
        distill: { batchSize },
        polish: { batchSize, sparsities: [0.5] },
      };
      const planned = stages.flatMap((stage) => stage.plan(planInput(config, { ...model, depth })));
      return (id: string) => present(planned.find((one) => one.id === id)).estimate;
    };
    for (const [stage, depth, batchSize, measured] of [
      ['distill/shard-0', 12, 2, 2.205e9],
      ['distill/shard-0', 12, 4, 4.182e9],
      ['distill/shard-0', 8, 8, 5.275e9],
      ['polish/uniform-50', 12, 2, 3.746e9],
      ['polish/uniform-50', 8, 4, 4.675e9],
    ] as const) {
      const { memoryBytes, batch } = plan(depth, batchSize)(stage);
      const planned = present(batch).images * present(batch).bytes;
      assert.ok(Math.abs(planned / measured - 1) < 0.15, `${stage}, ${depth}, ${batchSize}: ${planned}`);
      assert.equal(batch?.images, batchSize);
      assert.ok(memoryBytes > planned);
    }
  });

  it('polish a model as soon as its own width is there', () => {
    const jobs = jobsOf({ descendants: { shards: 4 }, polish: { sparsities: [0.6] } });
    const { needs } = present(jobs.get('polish/uniform-60'));
    assert.deepEqual(
      needs.filter((id) => id.startsWith('distill/')),
      ['distill/shard-2'],
    );
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

  it('wait for what they need, and go on without the widths that failed', () => {
    const jobs = jobsOf({});
    for (const job of jobs.values()) {
      for (const id of [...job.needs, ...(job.wants ?? [])]) assert.ok(jobs.has(id), `${job.id} reads ${id}`);
    }
    assert.ok(present(present(jobs.get('measure/shard-0')).wants).includes('distill/shard-0'));
    assert.ok(present(jobs.get('export/library')).needs.includes('rank/library'));
  });

  it('are found again by the settings in the record of the export, all of the config', () => {
    const { settings, folder } = present(jobsOf({ seed: 7 }).get('export/library'));
    assert.equal(folder, 'library');
    assert.equal((settings as { config: { seed: number } }).config.seed, 7);
  });
});
