/**
 * One engine, in a process of its own, because a library that does not fit the machine ends the process that opens it. Prints lines
 * for `bench/gpu-check.ts`.
 *
 *     npx tsx bench/gpu-check/engine.ts tensorflow|webgpu|wasm
 */
import * as tf from '@tensorflow/tfjs-core';
import { performance } from 'node:perf_hooks';
import { studentStep } from '../../pipeline/distill/step.ts';
import { disposeStudent, startStudent } from '../../pipeline/distill/student.ts';
import { namedArchitecture } from '../../pipeline/checkpoint/architectures.ts';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import { randomFfn } from '../../pipeline/model/ffn-weights.ts';
import { canonicalShapes, type HostWeights } from '../../pipeline/model/host-weights.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import { loadEngine, type EngineName } from '../../pipeline/tensor/engine.ts';
import { random } from '../../pipeline/util/random.ts';
import { product } from '../../pipeline/tensor/ops.ts';
import { ffnShapes, type MatmulShape } from '../matmul.ts';
import { relativeError, sample } from './sample.ts';

/** Rounding alone stays far below; TF32 comes to about 5e-4. */
const largestError = 2e-5;

const line = (label: string, text: string): void => console.log(`  ${label.padEnd(34)}${text}`);
/** Median milliseconds of `action`, which ends with a number read from the engine. */
function milliseconds(action: () => void, seconds: number): number {
  action();
  const times: number[] = [];
  for (const start = performance.now(); times.length < 5 || performance.now() - start < seconds * 1e3;) {
    const began = performance.now();
    action();
    times.push(performance.now() - began);
  }
  times.sort((a, b) => a - b);
  return times[times.length >> 1]!;
}

async function checkNumerics(name: EngineName): Promise<void> {
  await loadEngine('wasm');
  const reference = await sample();
  await loadEngine(name);
  const found = await sample();
  const again = await sample();
  for (const [what, expected] of Object.entries(reference)) {
    const values = found[what] ?? new Float32Array();
    const error = relativeError(values, expected);
    const verdict = error <= largestError ? 'ok' : 'TOO FAR from wasm';
    const same = values.every((value, i) => value === again[what]?.[i]);
    line(what, `${error.toExponential(1)}  ${verdict}${same ? '' : ', and different the second time'}`);
  }
}

/** Ten products in a row, so that what waiting for an answer takes hardly counts. */
function productRate(shape: MatmulShape, seconds: number): void {
  const { rows, inner, columns, transposeA = false, transposeB = false } = shape;
  const a = tf.randomNormal(transposeA ? [inner, rows] : [rows, inner], 0, 1, 'float32', 1);
  const b = tf.randomNormal(transposeB ? [columns, inner] : [inner, columns], 0, 1, 'float32', 2);
  const ten = (): void => {
    let last: tf.Tensor | undefined;
    for (let i = 0; i < 10; i++) {
      last?.dispose();
      last = product(a, b, transposeA, transposeB);
    }
    tf.tidy(() => last && void tf.slice(last, [0, 0], [1, 1]).dataSync());
    last?.dispose();
  };
  const ms = milliseconds(ten, seconds) / 10;
  const form = `${rows} x ${inner}${transposeA ? "'" : ''} x ${columns}${transposeB ? "'" : ''}`;
  line(`product ${form}`, `${((2 * rows * inner * columns) / ms / 1e9).toFixed(2)} TFLOP/s`);
  tf.dispose([a, b]);
}

/** One training step of a descendant, 8,192 tokens of a ViT-B block pruned by half: as bench/peers/step.ts. */
function stepRate(tokens: number, width: number, hidden: number, seconds: number): void {
  const draw = random(1, 'gpu-check-step');
  const student = startStudent(
    'bench',
    randomFfn(width, hidden, () => 0.03 * draw.normal()),
    () => 0,
  );
  const x = tf.randomNormal([tokens, width], 0, 1, 'float32', 1);
  const target = tf.randomNormal([tokens, width], 0, 1, 'float32', 2);
  const hyper = { lossScale: 1 / (tokens * width), learningRate: 1e-3, gelu: 'exact', adam: {} } as const;
  const steps = (count: number) => (): void => {
    for (let i = 0; i < count; i++) {
      const loss = studentStep(student, { x, target }, hyper);
      if (i === count - 1) loss.dataSync();
      loss.dispose();
    }
  };
  const ms = milliseconds(steps(10), seconds) / 10;
  const rate = (10 * tokens * width * hidden) / ms / 1e9;
  line(
    `step ${tokens} x ${width} x ${hidden}`,
    `${ms.toFixed(2)} ms, ${rate.toFixed(2)} TFLOP/s of products`,
  );
  const before = tf.memory();
  steps(200)();
  const after = tf.memory();
  const rss = `${Math.round(process.memoryUsage().rss / 1e6)} MB of the process`;
  line('  200 steps on', `${after.numTensors - before.numTensors} more tensors, ${rss}`);
  disposeStudent(student);
  tf.dispose([x, target]);
}

function forwardRate(named: string, batch: number, seconds: number): void {
  const facts = namedArchitecture(named)?.facts;
  if (facts === undefined) throw new Error(`no architecture ${named}`);
  const architecture: Architecture = { ...facts, channels: 3, classes: 1000 };
  const model = uploadTeacher(quickWeights(architecture), architecture);
  const pixels = tf.randomNormal([batch, 224, 224, 3], 0, 1, 'float32', 1);
  const look = (): void => tf.tidy(() => void forward(model, pixels).logits.dataSync());
  const ms = milliseconds(look, seconds);
  line(
    `forward ${named}, ${batch} images`,
    `${ms.toFixed(1)} ms, ${((batch / ms) * 1e3).toFixed(0)} images/s`,
  );
  model.dispose();
  pixels.dispose();
}

/** Uneven numbers of the usual size: 86 million normal ones would take ten seconds to draw. */
function quickWeights(architecture: Architecture): HostWeights {
  let state = 1;
  return Object.fromEntries(
    Object.entries(canonicalShapes(architecture)).map(([name, shape]) => {
      const data = new Float32Array(shape.reduce((size, extent) => size * extent, 1));
      for (let i = 0; i < data.length; i++) {
        state = (Math.imul(state, 1664525) + 1013904223) | 0;
        data[i] = state * 1.6e-11;
      }
      return [name, { shape, data }];
    }),
  );
}

const name = process.argv[2] as EngineName;
const seconds = Number(process.argv[3] ?? 1);
const began = performance.now();
const engine = await loadEngine(name).catch((error: unknown) => {
  console.log(String(error));
  process.exit(1);
});
console.log(
  `${engine.description} (${engine.device}), loaded in ${((performance.now() - began) / 1e3).toFixed(1)} s`,
);
await checkNumerics(name);
const one = tf.scalar(1);
line(
  'an operation and reading it',
  `${milliseconds(() => tf.tidy(() => void tf.add(one, 1).dataSync()), seconds / 4).toFixed(3)} ms`,
);
const wide = tf.randomNormal([512, 512], 0, 1, 'float32', 1);
/** A chain, each result disposed when the next is there, as in a loop of steps. */
const hundred = (): void => {
  let x: tf.Tensor = tf.clone(wide);
  for (let i = 0; i < 100; i++) {
    const next = tf.mul(x, 0.99);
    x.dispose();
    x = next;
  }
  tf.tidy(() => void tf.slice(x, [0, 0], [1, 1]).dataSync());
  x.dispose();
};
line('each of 100 operations', `${(milliseconds(hundred, seconds / 4) * 10).toFixed(1)} us`);
if (engine.device === 'gpu' || process.argv[4] === 'all') {
  for (const shape of ffnShapes) productRate(shape, seconds / 2);
  productRate({ rows: 8192, inner: 8192, columns: 8192 }, seconds / 2);
  stepRate(8192, 768, 1536, seconds);
  stepRate(2048, 192, 384, seconds);
  forwardRate('vit_tiny_patch16_224', 64, seconds);
  forwardRate('vit_base_patch16_224', 64, seconds);
}
