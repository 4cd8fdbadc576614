import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readAnswers } from '../../pipeline/report/answers.ts';
import { answerNames } from '../../pipeline/stages/fleets/answer-names.ts';
import type { FleetsReport } from '../../pipeline/stages/fleets/report-file.ts';
import { finished, hashes, succeeded, workplace, type Workplace } from './blockforge.ts';
import { present } from '../support/present.ts';

const demo = fileURLToPath(new URL('../../configs/ed-vit-demo.yaml', import.meta.url));

/** The demo on few images, with two fleets: one of three devices, and one of a partition file. */
const smaller = `
extends: ${JSON.stringify(demo)}
data:
  shapes: { images: 3000 }
  splits: { calibration: 500, selection: { images: 200, from: train, unseen: true }, test: 200 }
fleets:
  - { devices: 3 }
  - { name: halves, devices: 2, partition: { by: file, file: halves.txt } }
slice: { images: 64, gradientImages: 32, search: { shapes: 2, images: 32 } }
train: { duration: { steps: 12 } }
fusion: { tower: { epochs: 2 } }
baselines: [device]
measure: { latency: { warmup: 1, iterations: 5 } }
`;

describe('ed-vit, from a checkpoint to deployments', () => {
  let place: Workplace;
  const config = ['--config', 'fleets.yaml'];
  const run = (...parts: string[]) => join(place.folder, 'runs', 'fleets', ...parts);
  const readReport = () =>
    JSON.parse(readFileSync(run('report', 'test', 'report.json'), 'utf8')) as FleetsReport;

  before(() => {
    place = workplace();
    place.write('halves.txt', '0,1,2,3,4\n5,6,7,8,9\n');
    place.write('fleets.yaml', smaller);
  });
  after(() => place.remove());

  it('refuses devices that nothing fits and partitions that fit nothing, before anything runs', async () => {
    const devices = '[{ name: pi-kitchen, macs: 1000 }, { name: jetson, macs: 1000 }]';
    const refused = await place.blockforge(...config, '--set', 'fleets=', '--set', `devices=${devices}`);
    assert.equal(refused.code, 2, refused.stderr);
    assert.match(refused.stderr, /pi-kitchen|jetson/);
    assert.match(refused.stderr, /macs/);
    place.write('halves.txt', '0,1,2,3\n5,6,7,8,9\n');
    const partition = await place.blockforge(...config);
    place.write('halves.txt', '0,1,2,3,4\n5,6,7,8,9\n');
    assert.equal(partition.code, 3, partition.stderr);
    assert.match(partition.stderr, /halves\.txt/);
  });

  it('stops while a sub-model trains, and goes on there', async () => {
    let sent = false;
    const stopped = await place.run(config, (event, kill) => {
      if (sent || event.type !== 'job-progress' || event.job !== 'train/halves-01') return;
      sent = true;
      kill('SIGINT');
    });
    assert.equal(stopped.code, 130, stopped.stderr);
    const resumed = await place.run(config);
    succeeded(resumed);
    const all = finished(resumed.events);
    assert.ok(all.includes('train/halves-01') && !all.includes('train/halves-00'), all.join());
    assert.equal(all.at(-1), 'report/test');
  });

  it('reports every fleet on the test images, beside the teacher among the same classes', () => {
    const { teacher, fleets, images, missing } = readReport();
    assert.deepEqual([images, missing], [200, []]);
    assert.ok(present(teacher.restrictedPercent).mean > 50);
    assert.deepEqual(
      fleets.map(({ name, devices, small }) => [name, devices.length, small.length]),
      [
        ['3-devices', 3, 1],
        ['halves', 2, 1],
      ],
    );
    for (const { submodels, fused, lost, largest, alone, p50Ms } of fleets) {
      assert.equal(
        submodels.reduce((sum, { trained }) => sum + trained.images, 0),
        200,
      );
      assert.deepEqual(
        submodels.flatMap(({ classes }) => classes).sort((a, b) => a - b),
        [...Array(10).keys()],
      );
      assert.ok(largest.macs <= 0.15 * teacher.macs && largest.sizeBytes < teacher.sizeBytes);
      assert.ok(fused.top1Percent.low <= fused.top1Percent.mean && fused.top1Percent.mean <= 100);
      assert.ok(
        alone.teacherPercent.mean >= present(teacher.restrictedPercent).mean,
        'fewer classes, easier',
      );
      assert.ok(present(lost).worst.top1Percent.mean <= present(lost).mean.top1Percent.mean);
      assert.ok(p50Ms === null || p50Ms > 0);
    }
    const halves = present(fleets[1]);
    assert.deepEqual(halves.submodels[1]?.classes, [5, 6, 7, 8, 9]);
  });

  it('keeps what every model said of every image, as the report counts it', async () => {
    const { teacher, fleets } = readReport();
    const { split, labels, models } = present(await readAnswers(run('report', 'test', 'answers.json')));
    const drawn = JSON.parse(readFileSync(run('data', 'splits', 'test.json'), 'utf8')) as {
      readonly sha256: string;
      readonly items: readonly { readonly label: number }[];
    };
    assert.equal(split, drawn.sha256);
    assert.deepEqual(
      labels,
      drawn.items.map(({ label }) => label),
    );
    const right = (name: string) =>
      (100 * present(models[name]).filter((answer, image) => answer === labels[image]).length) /
      labels.length;
    const told = new Map<string, number>([[answerNames.teacher, present(teacher.restrictedPercent).mean]]);
    for (const { name, fused, devices, alone, small } of fleets) {
      told.set(answerNames.fused(name), fused.top1Percent.mean);
      told.set(answerNames.cut(name), alone.start.top1Percent.mean);
      told.set(answerNames.retrained(name), alone.trained.top1Percent.mean);
      for (const { name: device, lost } of devices) {
        told.set(answerNames.without(name, device), present(lost).top1Percent.mean);
      }
      for (const { kind, top1Percent } of small) told.set(answerNames.small(name, kind), top1Percent.mean);
    }
    assert.deepEqual(new Set(Object.keys(models)), new Set(told.keys()));
    for (const [name, percent] of told) assert.ok(Math.abs(right(name) - percent) < 1e-9, name);
  });

  it('hands on deployments that check out, and shows what the run came to', async () => {
    for (const fleet of ['3-devices', 'halves']) {
      succeeded(await place.blockforge('verify', `runs/fleets/deployment-${fleet}`));
    }
    const shown = await place.blockforge('show', 'runs/fleets');
    succeeded(shown);
    assert.match(shown.stdout, /halves, fused/);
    assert.match(readFileSync(run('report.html'), 'utf8'), /Where the time went/);
    assert.match(readFileSync(run('report', 'test', 'report.md'), 'utf8'), /## Sub-models/);
  });

  it('does again exactly what a changed setting touches, and nothing without one', async () => {
    const before = hashes(run('deployment-halves'));
    const again = await place.run(config);
    succeeded(again);
    assert.deepEqual(finished(again.events), []);
    const fused = await place.run([...config, '--set', 'fusion.ridges=[0.5]']);
    succeeded(fused);
    const stages = new Set(finished(fused.events).map((job) => job.split('/')[0]));
    assert.deepEqual([...stages].sort(), ['fuse', 'package', 'report']);
    succeeded(await place.run(config));
    assert.deepEqual(hashes(run('deployment-halves')), before, 'equal input, equal bytes');
  });

  it('serves one device, and as many as there are classes', async () => {
    const cheap = ['baselines=[]', 'train.enabled=false', 'fusion.heads=[ridge]'].flatMap((one) => [
      '--set',
      one,
    ]);
    const fleets = ['--set', 'fleets=[{ devices: 1 }, { devices: 10 }]', '--set', 'name=extremes'];
    const all = await place.run([...config, ...cheap, ...fleets]);
    succeeded(all);
    const path = join(place.folder, 'runs', 'extremes', 'report', 'test', 'report.json');
    const report = JSON.parse(readFileSync(path, 'utf8')) as FleetsReport;
    const [one, ten] = report.fleets;
    assert.equal(present(one).lost, undefined);
    assert.deepEqual(
      present(ten).submodels.map(({ classes }) => classes.length),
      Array(10).fill(1),
    );
    assert.equal(present(ten).alone.trained.top1Percent.mean, 100, 'among one class, every answer is right');
  });
});
