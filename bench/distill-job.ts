/**
 * A step of the distillation of whole students, by random weights: its seconds beside what its multiply-adds would take at the rate
 * of the engine's matrix products, and the peak memory of the process.
 *
 *     npm run bench -- distill-job [--model vit_tiny_patch16_224] [--batch 32] [--removed 0.4,0.5,0.6,0.7] [--lookahead 0.5]
 *         [--composed 0.5] [--steps 4] [--engine auto]
 */
import * as tf from '@tensorflow/tfjs-core';
import { parseArgs } from 'node:util';
import { loadEngine, type EngineChoice } from '../pipeline/tensor/engine.ts';
import { runsAsItIs } from '../pipeline/tensor/recorded/recorded.ts';
import { stepMacs } from '../pipeline/distill/step-macs.ts';
import { studentStep } from '../pipeline/distill/step.ts';
import { disposeStudent, ffnsOf, startStudent } from '../pipeline/distill/student.ts';
import { featureList, teacherFeatures } from '../pipeline/distill/teacher-features.ts';
import { hostFfn } from '../pipeline/model/host-weights.ts';
import { extentOf } from '../pipeline/model/architecture.ts';
import { uploadTeacher } from '../pipeline/model/upload.ts';
import { sliceFfn } from '../pipeline/model/ffn-weights.ts';
import { formatBytes } from '../pipeline/util/format.ts';
import { quickModel } from './gpu-check/quick-model.ts';
import { matmulRate } from './matmul.ts';
import { sampleRss } from './support/sample-rss.ts';

const { values } = parseArgs({
  options: {
    model: { type: 'string', default: 'vit_tiny_patch16_224' },
    batch: { type: 'string', default: '32' },
    removed: { type: 'string', default: '0.4,0.5,0.6,0.7' },
    lookahead: { type: 'string', default: '0.5' },
    composed: { type: 'string', default: '0.5' },
    steps: { type: 'string', default: '4' },
    engine: { type: 'string', default: 'auto' },
  },
});
const engine = await loadEngine(values.engine as EngineChoice);
const [batch, lookahead, steps] = [Number(values.batch), Number(values.lookahead), Number(values.steps)];
const own = Math.round(Number(values.composed) * batch);
const shares = { own, given: batch - own };
const { architecture, weights } = quickModel(values.model);
const { depth, width, hidden, channels } = architecture;
const blocks = Array.from({ length: depth }, (_, block) => block);
const model = uploadTeacher(weights, architecture);
const students = values.removed.split(',').map((removed) => {
  const kept = Array.from(
    { length: Math.round((hidden * (1 - Number(removed))) / 8) * 8 },
    (_, unit) => unit,
  );
  return startStudent({
    id: `w${kept.length}`,
    ffns: blocks.map((block) => sliceFfn(hostFfn(weights, block), kept)),
  });
});
const hiddens = students.map(({ parameters }) =>
  ffnsOf(parameters).map(({ fc1Kernel }) => fc1Kernel.shape[1]!),
);
const { height, width: across } = extentOf(architecture.imageSize);
const rss = sampleRss(100);
const pixels = tf.randomNormal<tf.Rank.R4>([batch, height, across, channels], 0, 1, 'float32', 1);
const settings = {
  ...{ shares, lookahead, blockScales: blocks.map(() => 1 / (batch * 197 * width)) },
  ...{ divergenceScale: 1 / batch, learningRate: 1e-3, adam: { clipNorm: 1 } },
};
/** Seconds of the teacher's pass and of all students' updates. */
function step(): { readonly teacher: number; readonly students: number } {
  const began = performance.now();
  const features = teacherFeatures(model, pixels, shares);
  features.given.at(-1)?.target.dataSync();
  const between = performance.now();
  for (const student of students) {
    const loss = studentStep(student, model, features, settings);
    loss.dataSync();
    loss.dispose();
  }
  tf.dispose(featureList(features));
  return { teacher: (between - began) / 1e3, students: (performance.now() - between) / 1e3 };
}

const compiling = performance.now();
step();
const firstSeconds = (performance.now() - compiling) / 1e3;
const times = Array.from({ length: steps }, step);
const quickest = (of: 'teacher' | 'students') => Math.min(...times.map((time) => time[of]));
const [teacher, training] = [quickest('teacher'), quickest('students')];
const rows = (batch * 197) / 2;
const shapes = hiddens.map((hidden) => ({ rows, inner: width, columns: hidden[0]! }));
const rate = Math.max(...(await matmulRate(shapes, 0.5)).map(({ gigaflopsPerSecond }) => gigaflopsPerSecond));
const macs = stepMacs({ architecture, hiddens, ...shares, lookahead });
const teacherMacs = stepMacs({ architecture, hiddens: [], ...shares, lookahead });
const ratio = (seconds: number, count: number) => (seconds * rate * 1e9) / (2 * count);
console.log(
  [
    `${engine.description}; ${values.model}, ${batch} images (${own} own), widths ${hiddens.map(([kept]) => kept).join(', ')}, lookahead ${lookahead}`,
    `first step ${firstSeconds.toFixed(1)} s, with the making of functions; as it is: ${runsAsItIs().length}`,
    `teacher ${teacher.toFixed(3)} s, ${ratio(teacher, teacherMacs).toFixed(2)}x its products at ${rate.toFixed(0)} GFLOP/s`,
    `students ${training.toFixed(3)} s, ${ratio(training, macs - teacherMacs).toFixed(2)}x their products`,
    `step ${(teacher + training).toFixed(3)} s, ${ratio(teacher + training, macs).toFixed(2)}x its ${(macs / 1e9).toFixed(1)} G multiply-adds; peak memory ${formatBytes(rss.stop().peakBytes)}`,
  ].join('\n'),
);
tf.dispose(pixels);
students.forEach(disposeStudent);
model.dispose();
