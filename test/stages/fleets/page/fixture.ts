import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { compareMean } from '../../../../pipeline/submodels/evaluation/compare-mean.ts';
import { compare, top1 } from '../../../../pipeline/submodels/evaluation/compare.ts';
import { correctOf } from '../../../../pipeline/submodels/evaluation/answers-among.ts';
import type { FleetsReport, FleetReport } from '../../../../pipeline/stages/fleets/report-file.ts';

const confidence = 0.95;
export const split = 'ab'.repeat(32);
/** Twelve images of four classes; two devices know two each. */
export const labels = [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3];

/** What every model says, by hand. */
export const models = {
  teacher: [0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 3, 2],
  'two/fused': [0, 0, 0, 1, 1, 0, 2, 2, 3, 3, 3, 3],
  'two/without/pi-00': [2, 0, 3, 1, 2, 0, 2, 2, 3, 3, 3, 3],
  'two/without/pi-01': [0, 0, 0, 1, 1, 0, 0, 1, 1, 3, 0, 0],
  'two/cut': [0, 1, 1, 1, 0, 0, 2, 3, 3, 3, 2, 2],
  'two/retrained': [0, 0, 0, 1, 1, 0, 2, 2, 3, 3, 3, 3],
  'two/small/total': [0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 3, 1],
} as const;

const correct = (name: keyof typeof models) => correctOf(Int32Array.from(models[name]), labels);
const beside = (name: keyof typeof models) => compare(correct(name), correct('teacher'), confidence);
const cost = { sizeBytes: 100_000, macs: 1e6 };

export const fleet: FleetReport = {
  name: 'two',
  partition: { by: 'random', confusionInside: { random: 0.4, 'confused-apart': 0.1 } },
  devices: [0, 1].map((i) => ({
    name: `pi-0${i}`,
    models: [`two-0${i}`],
    classes: 2,
    bytesUp: 128,
    p50Ms: 0.5,
    lost: beside(i === 0 ? 'two/without/pi-00' : 'two/without/pi-01'),
    ...cost,
  })),
  submodels: [0, 1].map((i) => ({
    name: `two-0${i}`,
    device: `pi-0${i}`,
    classes: [2 * i, 2 * i + 1],
    teacherPercent: top1(correct('teacher').slice(6 * i, 6 * i + 6), confidence),
    start: compare(Uint8Array.of(1, 0, 0, 1, 0, 0), Uint8Array.of(1, 1, 0, 1, 1, 1), confidence),
    trained: compare(Uint8Array.of(1, 1, 1, 1, 1, 0), Uint8Array.of(1, 1, 0, 1, 1, 1), confidence),
    featureWidth: 32,
    trainMinutes: 0.5,
    p50Ms: 0.5,
    ...cost,
  })),
  alone: {
    teacherPercent: top1(correct('teacher'), confidence),
    start: beside('two/cut'),
    trained: beside('two/retrained'),
  },
  fused: beside('two/fused'),
  lost: {
    mean: compareMean(
      [correct('two/without/pi-00'), correct('two/without/pi-01')],
      correct('teacher'),
      confidence,
    ),
    worst: { ...beside('two/without/pi-01'), device: 'pi-01', classesPercent: 50 },
  },
  head: 'tower',
  small: [{ kind: 'total', ...beside('two/small/total'), sizeBytes: 200_000, macs: 2e6, trainMinutes: 1 }],
  largest: cost,
  p50Ms: 0.5,
  teacherP50Ms: 4,
  trainMinutes: 1,
};

export const report: FleetsReport = {
  kind: 'ed-vit',
  run: 'two',
  images: 12,
  seed: 1,
  engine: 'tensorflow',
  confidence,
  classes: ['cat', 'dog', 'car', 'bus'],
  teacher: { sizeBytes: 800_000, macs: 1e7, restrictedPercent: top1(correct('teacher'), confidence) },
  imageBytes: 3072,
  flattered: false,
  fleets: [fleet],
  missing: [],
};

export const answers = { kind: 'blockforge-answers', split, labels, models };

const look = (step: number, ownAccuracy: number) => ({
  step,
  seconds: step,
  of: 'weights',
  trainingLoss: step === 0 ? null : 1,
  divergence: 1 - ownAccuracy,
  ownAccuracy,
  accuracy: 0.5,
});
const looks = [look(0, 0.5), look(10, 0.75), look(20, 0.625)];
const training = { history: looks, start: looks[0], best: looks[1], steps: 20, images: {}, seconds: 20 };
const fusion = {
  chosen: 'tower',
  candidates: [
    { name: 'tower', kind: 'tower', top1: 0.75, crossEntropy: 1, absentTop1: [0.5, 0.25], seconds: 1 },
  ],
};

/** A run folder, as far as reports read it. @param other files instead of the usual ones; null for none */
export function writeRun(folder: string, other: Readonly<Record<string, unknown>> = {}): string {
  const files: Record<string, unknown> = {
    'report/test/report.json': report,
    'report/test/answers.json': answers,
    'data/splits/test.json': { items: [], sha256: split },
    'train/two-00/history.json': training,
    'train/two-01/history.json': null,
    'fuse/two/fusion.json': fusion,
    ...other,
  };
  for (const [path, value] of Object.entries(files)) {
    if (value === null && path !== 'train/two-01/history.json') continue;
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), JSON.stringify(value));
  }
  return folder;
}
