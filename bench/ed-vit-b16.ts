/**
 * A ViT-B/16 sliced to m/12 of every dimension beside what ED-ViT reports (arXiv 2410.11650): sizes, multiply-adds and ONNX Runtime's latencies.
 * The largest of its ten devices is said to be 34.1 times smaller and 28.9 times faster than the teacher, which fits 2/12 of the
 * stream, the heads and the hidden units. Weights are random, and so is what is kept: neither changes a size or a time.
 *
 *     npm run bench -- ed-vit-b16 [rounds of latencies, default 15; 0: none]
 */
import { cpus } from 'node:os';
import type { Architecture } from '../pipeline/model/architecture.ts';
import { modelCosts } from '../pipeline/model/costs.ts';
import { cutModel } from '../pipeline/slicing/cut.ts';
import { foldVit } from '../pipeline/slicing/fold.ts';
import { random } from '../pipeline/util/random.ts';
import { measureLatencies, type Subject } from './ed-vit-b16/latencies.ts';
import { partNames, partsOf } from './ed-vit-b16/parts.ts';
import { architectureNamed, randomTeacher } from './peers/random-teacher.ts';

const parts = 12;
const measured = [2, 3, 4, 6];
const published = { m: 2, size: 34.1, latency: 28.9 };
const rounds = Number(process.argv[2] ?? 15);

/** The papers' data has ten classes, one for each of ten devices. */
const teacher: Architecture = { ...architectureNamed('vit_base_patch16_224'), classes: 10 };
const weights = randomTeacher(teacher);
const whole = foldVit(weights, teacher);

/** m/12 of the channels, of every layer's heads and of its hidden units, and two rows of the head: a class and "other". */
function sliced(m: number): Subject {
  const draw = random(1, 'kept', m);
  const some = (size: number): number[] => {
    const marks = Array.from({ length: size }, (_, index) => ({ index, mark: draw.next() }));
    const kept = marks.sort((a, b) => a.mark - b.mark).slice(0, (size * m) / parts);
    return kept.map(({ index }) => index).sort((a, b) => a - b);
  };
  const { width, heads, hidden, depth } = teacher;
  const model = cutModel(whole, {
    channels: some(width),
    layers: Array.from({ length: depth }, () => ({ heads: some(heads), units: some(hidden) })),
    classes: [0, 1],
  });
  return { name: `${m}/${parts}`, ...model };
}

async function* subjects(): AsyncGenerator<Subject> {
  yield { name: 'teacher', architecture: teacher, weights };
  for (const m of measured) yield await Promise.resolve(sliced(m));
}

const ofTeacher = modelCosts(teacher);
const mebibytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(2);
const table = (rows: readonly (readonly string[])[]): string => {
  const widths = (rows[0] ?? []).map((_, i) => Math.max(...rows.map((row) => row[i]?.length ?? 0)));
  return rows.map((row) => row.map((cell, i) => cell.padStart(widths[i] ?? 0)).join('  ')).join('\n');
};

const sizes = [
  ['kept', 'MiB', 'smaller', 'GMACs', 'fewer', ...partNames.map((name) => `${name} %`), 'published'],
];
const row = (name: string, architecture: Architecture, mark = ''): string[] => {
  const { params, sizeBytes, macs } = modelCosts(architecture);
  const made = partsOf(architecture).params;
  return [
    name,
    mebibytes(sizeBytes),
    `${(ofTeacher.sizeBytes / sizeBytes).toFixed(1)}x`,
    (macs / 1e9).toFixed(3),
    `${(ofTeacher.macs / macs).toFixed(1)}x`,
    ...partNames.map((part) => ((100 * made[part]) / params).toFixed(1)),
    mark,
  ];
};
sizes.push(row('teacher', teacher));
const architectures = new Map([['teacher', teacher]]);
for (let m = parts; m >= 1; m--) {
  const { name, architecture, weights } = sliced(m);
  const values = Object.values(weights).reduce((sum, { data }) => sum + data.length, 0);
  if (values !== modelCosts(architecture).params)
    throw new Error(`${name}: ${values} weights are not as counted`);
  architectures.set(name, architecture);
  sizes.push(row(name, architecture, m === published.m ? `${published.size}x smaller` : ''));
}
console.log(`Sizes (float32) and multiply-adds an image; shares of the parameters\n\n${table(sizes)}\n`);

if (rounds > 0) {
  const { version, latencies } = await measureLatencies(subjects(), rounds);
  const [base] = latencies;
  const times = [
    [
      'kept',
      'p50 ms',
      'faster',
      'p10 ms',
      'faster',
      'GMAC/s',
      ...partNames.map((name) => `${name} %`),
      'published',
    ],
  ];
  for (const { name, p10, p50 } of latencies) {
    const architecture = architectures.get(name) ?? teacher;
    const { macs } = modelCosts(architecture);
    const made = partsOf(architecture).macs;
    times.push([
      name,
      p50.toFixed(1),
      `${((base?.p50 ?? NaN) / p50).toFixed(1)}x`,
      p10.toFixed(1),
      `${((base?.p10 ?? NaN) / p10).toFixed(1)}x`,
      (macs / 1e6 / p50).toFixed(1),
      ...partNames.map((part) => ((100 * made[part]) / macs).toFixed(1)),
      name === `${published.m}/${parts}` ? `${published.latency}x faster` : '',
    ]);
  }
  console.log(
    `Latency of one image, one thread, ONNX Runtime ${version}, ${rounds} rounds, ${cpus()[0]?.model ?? '?'}; ` +
      `rate over all multiply-adds, and their shares\n\n${table(times)}`,
  );
}
