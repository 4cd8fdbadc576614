import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { initialWeights } from '../../pipeline/model/initial-weights.ts';
import { readTensors } from '../../pipeline/model/safetensors.ts';
import { writeTeacher } from '../../pipeline/checkpoint/teacher-file.ts';
import type { FleetsReport } from '../../pipeline/stages/fleets/report-file.ts';
import { finished, hashes, succeeded, workplace, type Workplace } from './blockforge.ts';
import { present } from '../support/present.ts';

const demo = fileURLToPath(new URL('../../configs/devit-demo.yaml', import.meta.url));

/** Half as wide and deep as the demo's teacher, for other classes than the data's. */
const student = {
  imageSize: 32,
  patchSize: 8,
  channels: 3,
  width: 48,
  depth: 2,
  heads: 2,
  hidden: 96,
  classes: 7,
  layerNormEpsilon: 1e-6,
  gelu: 'exact',
} as const;

/** The demo on few images: a sub-model of each kind, each with a teacher of its own, then trained together. */
const smaller = `
extends: ${JSON.stringify(demo)}
data:
  shapes: { images: 3000 }
  splits: { calibration: 500, selection: { images: 200, from: train, unseen: true }, test: 200 }
devices: 3
submodel: { macs: 0.25 }
subteachers: fine-tuned
teach: { duration: { steps: 4 } }
students:
  - teacher
  - { checkpoint: student.safetensors }
  - { architecture: { width: 32, depth: 2, heads: 2, hidden: 64 } }
slice: { images: 64, gradientImages: 32, search: { shapes: 2, images: 32 } }
train: { duration: { steps: 8 } }
ensemble: { train: joint, duration: { steps: 8 } }
fusion: { tokens: { epochs: 2 } }
baselines: [device]
measure: { latency: { warmup: 1, iterations: 5 } }
`;

describe('devit, from a checkpoint to a deployment', () => {
  let place: Workplace;
  const config = ['--config', 'devit.yaml'];
  const run = (...parts: string[]) => join(place.folder, 'runs', 'devit', ...parts);
  const weights = initialWeights(student, 5);

  before(async () => {
    place = workplace();
    await writeTeacher(join(place.folder, 'student.safetensors'), weights, student);
    place.write('devit.yaml', smaller);
  });
  after(() => place.remove());

  it('refuses a student that does not fit, before anything runs', async () => {
    const large = 'students=[{ architecture: { width: 768, depth: 12, heads: 12, hidden: 3072 } }]';
    const refused = await place.blockforge(...config, '--set', large);
    assert.equal(refused.code, 2, refused.stderr);
    assert.match(refused.stderr, /students\[0\]/);
    const missing = await place.blockforge(...config, '--set', 'students=[{ checkpoint: nowhere }]');
    assert.equal(missing.code, 3, missing.stderr);
    assert.match(missing.stderr, /students\[0\].*nowhere/s);
  });

  it('stops while the sub-models train together, and goes on there', async () => {
    let sent = false;
    const stopped = await place.run(config, (event, kill) => {
      if (sent || event.type !== 'job-progress' || !event.job.startsWith('ensemble/')) return;
      sent = true;
      kill('SIGINT');
    });
    assert.equal(stopped.code, 130, stopped.stderr);
    const resumed = await place.run(config);
    succeeded(resumed);
    const all = finished(resumed.events);
    assert.ok(all.includes('ensemble/3-devices') && !all.includes('train/3-devices-00'), all.join());
    assert.equal(all.at(-1), 'report/test');
  });

  it('starts from the very weights of a checkpoint that is given, never from random ones', async () => {
    const { tensors, metadata } = await readTensors(run('slice', '3-devices-01', 'model.safetensors'));
    assert.match(present(metadata['architecture']), /"width":48/);
    for (const [name, { data }] of Object.entries(weights)) {
      if (!name.startsWith('head.')) assert.deepEqual(tensors[name]?.data, data, name);
    }
    // Of other classes than the data's: three or four of these, and one for the others.
    assert.ok(present(tensors['head.bias']).data.some((value) => value !== 0));
  });

  it('reports what an ensemble adds to each of its sub-models, where these come from, and what an image takes', () => {
    const report = JSON.parse(readFileSync(run('report', 'test', 'report.json'), 'utf8')) as FleetsReport;
    assert.deepEqual([report.kind, report.images, report.missing], ['devit', 200, []]);
    const fleet = present(report.fleets[0]);
    assert.deepEqual(
      fleet.submodels.map(({ origin }) => origin),
      [undefined, 'checkpoint', 'random weights'],
    );
    const { together, energy, bytesDown, bytesUp, joint } = present(fleet.devit);
    assert.equal(
      together.submodels.reduce((sum, { images }) => sum + images, 0),
      200,
    );
    assert.equal(together.mean.alonePercent.mean, fleet.alone.trained.top1Percent.mean);
    assert.equal(together.small.length, 1);
    assert.ok(present(joint).best >= present(joint).start);
    const macs = fleet.devices.reduce((sum, device) => sum + device.macs, 0);
    assert.ok(Math.abs(energy.totalJ - (1.4e-10 * macs + 8e-9 * (bytesDown + bytesUp))) < 1e-12);
    assert.equal(bytesDown, 3 * 32 * 32 * 3);
    for (const { teach } of fleet.submodels) {
      const { heldOut, images } = present(teach);
      assert.ok(images > 0 && heldOut.tuned >= 0 && heldOut.restricted <= 1);
    }
    const text = readFileSync(run('report', 'test', 'report.md'), 'utf8');
    assert.match(text, /random weights/);
    assert.match(text, /energy is a model/);
  });

  it('hands on a deployment that checks out, and shows what the run came to', async () => {
    succeeded(await place.blockforge('verify', 'runs/devit/deployment-3-devices'));
    const shown = await place.blockforge('show', 'runs/devit');
    succeeded(shown);
    assert.match(shown.stdout, /The ensemble against its sub-models/);
  });

  it('does nothing again without a change, and no training for another fusion', async () => {
    const before = hashes(run('deployment-3-devices'));
    const again = await place.run(config);
    succeeded(again);
    assert.deepEqual(finished(again.events), []);
    const fused = await place.run([...config, '--set', 'fusion.heads=[ridge]']);
    succeeded(fused);
    const stages = new Set(finished(fused.events).map((job) => job.split('/')[0]));
    assert.deepEqual([...stages].sort(), ['fuse', 'package', 'report']);
    succeeded(await place.run(config));
    assert.deepEqual(hashes(run('deployment-3-devices')), before, 'equal input, equal bytes');
  });
});
