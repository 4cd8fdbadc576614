import assert from 'node:assert/strict';
import type { FleetsReport, FleetReport } from '../../../pipeline/stages/fleets/report-file.ts';
import { reportTables } from '../../../pipeline/stages/fleets/report-tables.ts';
import { reportText } from '../../../pipeline/stages/fleets/report-text.ts';

const interval = (mean: number) => ({ mean, low: mean - 1, high: mean + 1 });
const compared = (top1: number, against: number) => ({
  images: 1000,
  top1Percent: interval(top1),
  againstPp: interval(against),
});
const cost = { sizeBytes: 100_000, macs: 1e6 };

const fleet: FleetReport = {
  name: '2-devices',
  partition: { by: 'random', confusionInside: { random: 0.4, 'confused-apart': 0.1 } },
  devices: [0, 1].map((i) => ({
    name: `device-0${i}`,
    models: [`2-devices-0${i}`],
    classes: 1,
    bytesUp: 128,
    p50Ms: 0.5,
    lost: compared(50, -30),
    ...cost,
  })),
  submodels: [0, 1].map((i) => ({
    name: `2-devices-0${i}`,
    device: `device-0${i}`,
    classes: [i],
    teacherPercent: interval(90),
    start: compared(60, -30),
    trained: compared(88, -2),
    featureWidth: 32,
    trainMinutes: 0.5,
    p50Ms: 0.5,
    ...cost,
  })),
  alone: { teacherPercent: interval(90), start: compared(60, -30), trained: compared(88, -2) },
  fused: compared(79, -1),
  lost: { mean: compared(50, -30), worst: { ...compared(45, -35), device: 'device-01', classesPercent: 50 } },
  head: 'tower',
  small: [{ kind: 'total', ...compared(78, -2), ...cost, trainMinutes: 1 }],
  largest: cost,
  p50Ms: 0.5,
  teacherP50Ms: 4,
  trainMinutes: 1,
};

const report: FleetsReport = {
  kind: 'ed-vit',
  run: 'two',
  images: 1000,
  seed: 1,
  engine: 'tensorflow',
  confidence: 0.95,
  classes: ['cat', 'dog'],
  teacher: {
    sizeBytes: 800_000,
    macs: 1e7,
    restrictedPercent: interval(80),
    unrestrictedPercent: interval(70),
  },
  imageBytes: 3072,
  flattered: false,
  fleets: [fleet],
  missing: [],
};
const rows = (of: FleetsReport, table: number) => reportTables(of, false)[table]?.rows ?? [];

describe('what a run of ed-vit comes to, as tables', () => {
  it('sets every model beside the teacher among the same classes, and the teacher as it is', () => {
    assert.deepEqual(rows(report, 0), [
      ['teacher, among all its classes', '70.0 % [69.0, 71.0]', '', '', ''],
      ['teacher, among these 2 classes', '80.0 % [79.0, 81.0]', '', '800 kB', '10.0 M'],
      ['2-devices, fused', '79.0 % [78.0, 80.0]', '-1.00 [-2.00, 0.00]', '100 kB (1/8.0)', '1.00 M (1/10.0)'],
      [
        '2-devices, one model at the cost of all',
        '78.0 % [77.0, 79.0]',
        '-2.00 [-3.00, -1.00]',
        '100 kB (1/8.0)',
        '1.00 M (1/10.0)',
      ],
    ]);
  });

  it('says what a lost device costs beside the share of the classes that was lost with it', () => {
    const [row] = rows(report, 1);
    assert.deepEqual([row?.at(4), row?.at(6)], ['50.0 % [49.0, 51.0], -30.00 [-31.00, -29.00]', '50 %']);
  });

  it('leaves out what there is none of: one device, no ONNX Runtime, no test images', () => {
    const one = { ...report, fleets: [{ ...fleet, lost: undefined, p50Ms: null, teacherP50Ms: null }] };
    assert.equal(rows(one, 1)[0]?.[4], '');
    assert.equal(rows(one, 2)[0]?.[5], '');
    assert.deepEqual(reportTables({ ...report, images: 0 }, true), []);
    assert.match(reportText({ ...report, images: 0, fleets: [] }), /asks for no test images/);
  });

  it('names fleets of which a job failed, and warns where the teacher knew the images', () => {
    const notes = reportTables({ ...report, missing: ['5-devices'], flattered: true }, false)[0]?.notes ?? [];
    assert.match(notes.join('\n'), /a job failed: 5-devices/);
    assert.match(notes.join('\n'), /the teacher may have been trained on them/);
  });

  it('is a report, too, with every sub-model and device, and how classes were divided', () => {
    const text = reportText(report);
    assert.match(text, /^# two\n/);
    assert.match(text, /\| 2-devices-01 \| dog \|/);
    assert.match(text, /\| 2-devices \| device-01 \|/);
    assert.match(text, /random 40\.0 %, confused-apart 10\.0 %\. Fusion: tower\./);
  });

  it('sets the ensemble of devit beside each sub-model and tells where these come from, and nothing of it for other methods', () => {
    const submodels = fleet.submodels.map((one, i) =>
      i === 0 ? one : { ...one, origin: 'random weights' as const },
    );
    const beside = { alonePercent: interval(88), fused: compared(90, 2) };
    const devit = {
      together: {
        submodels: submodels.map(({ name }) => ({ name, images: 500, ...beside })),
        mean: beside,
        small: [{ kind: 'total' as const, fused: compared(79, 1) }],
      },
      energy: { perMacJ: 1e-10, perByteJ: 0, totalJ: 2e-4, dearestJ: 1e-4, teacherJ: 1e-3 },
      bytesDown: 6144,
      bytesUp: 256,
      joint: { start: 0.7, best: 0.72, minutes: 2 },
    };
    const made = { ...report, kind: 'devit' as const, fleets: [{ ...fleet, submodels, devit }] };
    const [own, , mean, small] = rows(made, 3);
    assert.deepEqual(own?.slice(1), [
      'the teacher',
      '88.0 % [87.0, 89.0]',
      '90.0 % [89.0, 91.0]',
      '+2.00 [+1.00, +3.00]',
    ]);
    assert.equal(rows(made, 3)[1]?.[1], 'random weights');
    assert.match(mean?.[0] ?? '', /mean of its sub-models/);
    assert.deepEqual([small?.[2], small?.[4]], ['78.0 % [77.0, 79.0]', '+1.00 [0.00, +2.00]']);
    assert.match(reportTables(made, false)[3]?.notes.join() ?? '', /70\.0 % right before and 72\.0 % after/);
    assert.deepEqual(rows(made, 4)[0]?.slice(1, 4), ['0.50', '4.00', '8.00x']);
    assert.match(reportTables(made, false)[4]?.notes.join() ?? '', /is a model and nothing was measured/);
    assert.equal(reportTables(report, false).length, 3);
  });
});
