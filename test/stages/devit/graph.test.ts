import assert from 'node:assert/strict';
import type { JobPlan } from '../../../pipeline/runner/contract.ts';
import { stages } from '../../../pipeline/stages/devit/graph.ts';
import { vitBase } from '../../support/checkpoints.ts';
import type { TrainJobSettings } from '../../../pipeline/stages/fleets/work/train.ts';
import { present } from '../../support/present.ts';
import { planInput, teacher } from './plan-input.ts';

/** The jobs that a config plans, by id. */
function jobsOf(config: object): ReadonlyMap<string, JobPlan> {
  const input = planInput(config);
  return new Map(stages.flatMap((stage) => stage.plan(input)).map((job) => [job.id, job]));
}

const whole = { devices: 2, subteachers: 'fine-tuned', baselines: ['device'] };

describe('the jobs of the method devit', () => {
  const jobs = jobsOf(whole);
  const job = (id: string): JobPlan => present(jobs.get(id));
  const readsOf = (id: string, of: string): readonly string[] | undefined => job(id).reads?.[of];

  it('are a teacher and a training for every sub-model, one training of all together, and the rest as for every fleet', () => {
    const ids = [...jobs.keys()].filter((id) => !/^(data|teacher)\//.test(id));
    assert.deepEqual(ids, [
      'targets/teacher',
      'partition/2-devices',
      'teach/2-devices-00',
      'teach/2-devices-01',
      ...['slice', 'train'].flatMap((stage) =>
        ['00', '01', 'small-device'].map((one) => `${stage}/2-devices-${one}`),
      ),
      'ensemble/2-devices',
      ...['fuse', 'profile', 'package'].map((stage) => `${stage}/2-devices`),
      'report/test',
    ]);
  });

  it('let the test split be read by the report alone: no epoch, policy, teacher or head is chosen on it', () => {
    const every = {
      ...whole,
      slice: { by: 'policy' },
      submodel: { macs: 0.7 },
      students: ['teacher', { checkpoint: '/models/small' }],
      fusion: { heads: ['ridge', 'tower', 'tokens'] },
    };
    for (const config of [whole, every, { devices: 3, ensemble: { train: 'frozen' } }]) {
      const readers = [...jobsOf(config).values()].filter(({ reads }) =>
        reads?.['data/splits']?.includes('test.json'),
      );
      assert.deepEqual(
        readers.map(({ id }) => id),
        ['report/test'],
      );
      // Nobody reads all that the splits are, either.
      const open = [...jobsOf(config).values()].filter(
        ({ needs, reads }) => needs.includes('data/splits') && reads?.['data/splits'] === undefined,
      );
      assert.deepEqual(open, []);
    }
  });

  it("teach a sub-model by its own teacher where it has one, and baselines by the teacher's word", () => {
    assert.deepEqual(readsOf('slice/2-devices-01', 'teach/2-devices-01'), ['model.safetensors']);
    assert.deepEqual(readsOf('train/2-devices-01', 'teach/2-devices-01'), [
      'learning.safetensors',
      'model.safetensors',
    ]);
    assert.equal(readsOf('train/2-devices-01', 'targets/teacher'), undefined);
    assert.deepEqual(readsOf('train/2-devices-small-device', 'targets/teacher'), ['learning.safetensors']);
  });

  it('train a model to compare with as long as the sub-models, alone and together', () => {
    const durationOf = (job: string, own: object) =>
      (present(jobsOf({ devices: 2, baselines: ['device'], ...own }).get(job)).settings as TrainJobSettings)
        .train.duration;
    const own = { train: { duration: { epochs: 3 } }, ensemble: { duration: { epochs: 2 } } };
    assert.deepEqual(durationOf('train/2-devices-00', own), { epochs: 3 });
    assert.deepEqual(durationOf('train/2-devices-small-device', own), { epochs: 5 });
    const frozen = { ...own, ensemble: { train: 'frozen' } };
    assert.deepEqual(durationOf('train/2-devices-small-device', frozen), { epochs: 3 });
  });

  it('need no teacher beside a training that compares no relations and changes no images', () => {
    const weights = { relations: { q: 0, k: 0, v: 0 } };
    const plain = jobsOf({ devices: 2, train: { weights } });
    const told = present(plain.get('train/2-devices-00')).reads?.['teacher/model'];
    assert.deepEqual(told, ['teacher.json']);
    const mixed = jobsOf({ devices: 2, train: { weights, augment: { mixup: 0.8 } } });
    const asked = present(mixed.get('train/2-devices-00')).reads?.['teacher/model'];
    assert.ok(asked?.includes('teacher.safetensors'));
  });

  it('hand on what was trained together, or where that is frozen what was trained alone', () => {
    assert.deepEqual(readsOf('package/2-devices', 'ensemble/2-devices'), [
      '00-model.safetensors',
      '01-model.safetensors',
    ]);
    assert.ok(readsOf('fuse/2-devices', 'ensemble/2-devices')?.includes('fusion.safetensors'));
    const frozen = jobsOf({ ...whole, ensemble: { train: 'frozen' } });
    assert.equal(frozen.has('ensemble/2-devices'), false);
    assert.deepEqual(present(frozen.get('package/2-devices')).reads?.['train/2-devices-00'], [
      'model.safetensors',
    ]);
  });

  it('make a single device no ensemble and no teacher of its own', () => {
    const one = jobsOf({ devices: 1, subteachers: 'fine-tuned' });
    assert.deepEqual(
      [...one.keys()].filter((id) => /^(teach|ensemble)\//.test(id)),
      [],
    );
  });

  it("depend on a student's checkpoint by its content, and on what it is", () => {
    const jobs = jobsOf({ ...whole, students: [{ checkpoint: '/models/small' }] });
    const slice = present(jobs.get('slice/2-devices-00'));
    assert.deepEqual(slice.files, ['/models/small']);
    assert.doesNotMatch(JSON.stringify(slice.settings), /models/);
    assert.match(JSON.stringify(slice.settings), /"from":"checkpoint"/);
    // Models to compare with are cut out of the teacher whatever students there are.
    const baseline = present(jobs.get('slice/2-devices-small-device'));
    assert.deepEqual(
      [baseline.files, /"from":"teacher"/.test(JSON.stringify(baseline.settings))],
      [[], true],
    );
  });

  it('learn from the train split where the teacher was trained here', () => {
    const trained = jobsOf({
      ...whole,
      teacher: { train: { architecture: { ...vitBase, classes: teacher.classes } } },
    });
    for (const id of ['teach/2-devices-00', 'ensemble/2-devices', 'train/2-devices-00']) {
      assert.ok(present(trained.get(id)).reads?.['data/splits']?.includes('train.json'), id);
    }
  });
});
