import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { JobPlan } from '../../../pipeline/runner/contract.ts';
import { stages } from '../../../pipeline/stages/ed-vit/graph.ts';
import { vitBase } from '../../support/checkpoints.ts';
import { present } from '../../support/present.ts';
import { planInput } from '../fleets/plan-input.ts';

/** The jobs that a config plans, by id. */
function jobsOf(config: object): ReadonlyMap<string, JobPlan> {
  const input = planInput(config);
  return new Map(stages.flatMap((stage) => stage.plan(input)).map((job) => [job.id, job]));
}

describe('the jobs of the method ed-vit', () => {
  const jobs = jobsOf({ fleets: [{ devices: 2 }, { devices: 3 }] });
  const job = (id: string) => present(jobs.get(id));

  it('are those of every fleet, and one report', () => {
    const ids = [...jobs.keys()].filter((id) => !/^(data|teacher)\//.test(id));
    assert.deepEqual(ids, [
      'targets/teacher',
      'partition/2-devices',
      'partition/3-devices',
      ...['slice', 'train'].flatMap((stage) => [
        ...['00', '01', 'small-total', 'small-device'].map((one) => `${stage}/2-devices-${one}`),
        ...['00', '01', '02', 'small-device'].map((one) => `${stage}/3-devices-${one}`),
      ]),
      ...['fuse', 'profile', 'package'].flatMap((stage) => [`${stage}/2-devices`, `${stage}/3-devices`]),
      'report/test',
    ]);
  });

  it('depend on nothing of another sub-model: its subset is a file of its own', () => {
    assert.deepEqual(job('slice/2-devices-01').reads?.['partition/2-devices'], ['subset-01.json']);
    for (const id of ['slice/2-devices-01', 'train/2-devices-01']) {
      const others = job(id).needs.filter((need) => /^(slice|train)\//.test(need));
      assert.deepEqual(others, id.startsWith('train') ? ['slice/2-devices-01'] : []);
    }
  });

  it('fuse what belongs together: a fleet waits for no other, and the report goes on without one that failed', () => {
    const features = job('fuse/2-devices').needs.filter((need) => need.startsWith('train/'));
    assert.deepEqual(features, ['train/2-devices-00', 'train/2-devices-01']);
    const report = job('report/test');
    assert.ok(report.needs.every((need) => /^(data|teacher)\//.test(need)));
    assert.ok(report.wants?.includes('package/3-devices'));
  });

  it('time what was cut without waiting for its training, alone on the machine', () => {
    const profile = job('profile/3-devices');
    assert.deepEqual(profile.needs, ['slice/3-devices-00', 'slice/3-devices-01', 'slice/3-devices-02']);
    assert.equal(profile.exclusive, true);
  });

  it('hand on a folder for every fleet', () => {
    assert.equal(job('package/2-devices').folder, 'deployment-2-devices');
    assert.equal(job('package/3-devices').folder, 'deployment-3-devices');
  });

  it('read the test split in the report alone, and learn from the train split where the teacher was trained here', () => {
    const readers = (all: ReadonlyMap<string, JobPlan>, file: string) =>
      [...all.values()].filter(({ reads }) => reads?.['data/splits']?.includes(file)).map(({ id }) => id);
    assert.deepEqual(readers(jobs, 'test.json'), ['report/test']);
    assert.deepEqual(readers(jobs, 'train.json'), []);
    const trained = jobsOf({
      devices: 2,
      teacher: { train: { architecture: { ...vitBase, classes: 10 } } },
    });
    assert.ok(readers(trained, 'train.json').includes('train/2-devices-00'));
  });

  it('are planned only where a partition file fits the classes and the devices', () => {
    const folder = mkdtempSync(join(tmpdir(), 'blockforge-partition-'));
    try {
      const file = join(folder, 'two.txt');
      const plan = () => jobsOf({ devices: 2, partition: { by: 'file', file } });
      assert.throws(plan, /two\.txt: no such file/);
      writeFileSync(file, 'A\nC\n');
      assert.throws(plan, /two\.txt:2.*C/s);
      writeFileSync(file, 'A\nB\n');
      assert.deepEqual(present(plan().get('partition/2-devices')).files, [file]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
