/**
 * One engine, in a process of its own, because a library that does not fit the machine ends the process that opens it. Sends rows to
 * `bench/gpu-check.ts`.
 *
 *     node --import tsx bench/gpu-check/engine.ts tensorflow|webgpu|wasm [seconds]
 */
import * as tf from '@tensorflow/tfjs-core';
import { performance } from 'node:perf_hooks';
import { disposeStudent, startStudent } from '../../pipeline/distill/student.ts';
import { forwardFlops } from '../../pipeline/model/costs.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import { randomFfn } from '../../pipeline/model/ffn-weights.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import { loadEngine, type Engine, type EngineName } from '../../pipeline/tensor/engine.ts';
import { keepGpuRates } from '../../pipeline/tensor/gpu-rates.ts';
import { product } from '../../pipeline/tensor/ops.ts';
import { random } from '../../pipeline/util/random.ts';
import { ffnShapes, type MatmulShape } from '../matmul.ts';
import { milliseconds, quickArchitecture, quickModel } from './quick-model.ts';
import { blockStep } from '../support/block-step.ts';
import { guarded, sendRows, type Row } from './row.ts';
import { relativeError, sample, type Sampled } from './sample.ts';

/** Rounding alone stays far below; TF32 comes to about 5e-4. */
const largestError = 2e-5;

/** Against float64 where there is that, else against the wasm engine. */
async function checkNumerics(name: EngineName): Promise<Row[]> {
  const found = await sample();
  const again = await sample();
  let other: Readonly<Record<string, Sampled>> = found;
  if (name !== 'wasm') {
    await loadEngine('wasm');
    other = await sample();
    await loadEngine(name);
  }
  return Object.entries(found).flatMap(([label, { found: values, exact }]) => {
    const expected = exact ?? other[label]?.found ?? [];
    if (exact === undefined && name === 'wasm') return [];
    const error = relativeError(values, expected);
    const against = exact === undefined ? 'wasm' : 'float64';
    const second = again[label]?.found ?? [];
    const same = Array.from(values).every((value, i) => value === second[i]);
    const far = error > largestError;
    return {
      label,
      text: `${error.toExponential(1)} from ${against}  ${far ? 'TOO FAR' : 'ok'}${same ? '' : ', and different the second time'}`,
      value: error,
      unit: 'relative error',
      failed: far,
    };
  });
}

/** 1e12 operations per second as people read them. */
const speed = (teraflops: number): string =>
  teraflops < 1 ? `${(1e3 * teraflops).toPrecision(3)} GFLOP/s` : `${teraflops.toPrecision(3)} TFLOP/s`;

/** Ten products in a row, so that what waiting for an answer takes hardly counts. */
async function productRate(shape: MatmulShape, seconds: number): Promise<Row> {
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
  const rate = (2 * rows * inner * columns) / ((await milliseconds(ten, seconds)) / 10) / 1e9;
  tf.dispose([a, b]);
  const form = `${rows} x ${inner}${transposeA ? "'" : ''} x ${columns}${transposeB ? "'" : ''}`;
  return { label: `product ${form}`, text: speed(rate), value: rate, unit: 'TFLOP/s' };
}

/** One training step of a descendant, as bench/peers/step.ts. */
async function stepRate(tokens: number, width: number, hidden: number, seconds: number): Promise<Row[]> {
  const draw = random(1, 'gpu-check-step');
  const student = startStudent({
    id: 'bench',
    ffns: [randomFfn(width, hidden, () => 0.03 * draw.normal())],
  });
  const x = tf.randomNormal([tokens, width], 0, 1, 'float32', 1);
  const target = tf.randomNormal([tokens, width], 0, 1, 'float32', 2);
  const hyper = { lossScale: 1 / (tokens * width), learningRate: 1e-3 };
  const steps = (count: number) => (): void => {
    for (let i = 0; i < count; i++) {
      const loss = blockStep(student, { x, target }, hyper);
      if (i === count - 1) loss.dataSync();
      loss.dispose();
    }
  };
  const ms = (await milliseconds(steps(5), seconds)) / 5;
  const rate = (10 * tokens * width * hidden) / ms / 1e9;
  const before = tf.memory().numTensors;
  steps(20)();
  const left = tf.memory().numTensors - before;
  disposeStudent(student);
  tf.dispose([x, target]);
  const label = `step ${tokens} x ${width} x ${hidden}`;
  const timing = {
    label,
    text: `${ms.toFixed(2)} ms, ${speed(rate)} of products`,
    value: ms,
    unit: 'ms',
  };
  return left === 0
    ? [timing]
    : [timing, { label: '  20 steps on', text: `${left} more tensors`, failed: true }];
}

/** Whole models from images on the host to logits on the host: as evaluation does it. */
async function forwardRate(named: string, batch: number, seconds: number): Promise<Row> {
  const { architecture, weights } = quickModel(named);
  const model = uploadTeacher(weights, architecture);
  const pixels = new Float32Array(batch * 224 * 224 * 3).map((_, i) => (i % 255) / 255 - 0.5);
  const look = (): void =>
    tf.tidy(() => void forward(model, tf.tensor4d(pixels, [batch, 224, 224, 3])).logits.dataSync());
  const ms = await milliseconds(look, seconds);
  model.dispose();
  const rate = (batch / ms) * 1e3;
  return {
    label: `forward ${named}, ${batch}`,
    text: `${ms.toFixed(1)} ms, ${rate.toFixed(rate < 100 ? 1 : 0)} images/s`,
    value: rate,
    unit: 'images/s',
  };
}

/** What a call costs: a chain, each result disposed when the next is there, as in a loop of steps. */
async function callCosts(seconds: number): Promise<Row[]> {
  const one = tf.scalar(1);
  const round = await milliseconds(() => tf.tidy(() => void tf.add(one, 1).dataSync()), seconds / 4);
  const wide = tf.randomNormal([512, 512], 0, 1, 'float32', 1);
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
  const each = (await milliseconds(hundred, seconds / 4)) * 10;
  tf.dispose([one, wide]);
  return [
    { label: 'an operation and reading it', text: `${round.toFixed(3)} ms`, value: round, unit: 'ms' },
    { label: 'each of 100 operations', text: `${each.toFixed(1)} us`, value: each, unit: 'us' },
  ];
}

/** 64 images: what the host needs to hand a batch over. */
async function uploadRate(seconds: number): Promise<Row> {
  const values = new Float32Array(64 * 224 * 224 * 3).fill(0.5);
  const hand = (): void => tf.tidy(() => void tf.slice(tf.add(tf.tensor1d(values), 1), [0], [1]).dataSync());
  const ms = await milliseconds(hand, seconds / 2);
  const text = `${ms.toFixed(2)} ms, ${(values.byteLength / ms / 1e6).toFixed(2)} GB/s`;
  return { label: 'upload of 64 images', text, value: ms, unit: 'ms' };
}

/** The shapes that say something within the time: a large GPU's are out of a processor's reach. */
function rateParts(
  engine: Engine,
  seconds: number,
): readonly (readonly [string, () => Promise<Row | Row[]>])[] {
  const gpu = engine.device === 'gpu';
  const shapes = gpu
    ? [...ffnShapes, { rows: 8192, inner: 8192, columns: 8192 }]
    : [{ rows: engine.name === 'wasm' ? 256 : 2048, inner: 768, columns: 1536 }];
  return [
    ['calls', () => callCosts(seconds)],
    ['upload', () => uploadRate(seconds)],
    ...shapes.map((shape) => ['product', () => productRate(shape, seconds / 2)] as const),
    ...(gpu ? [['step', () => stepRate(8192, 768, 1536, seconds)] as const] : []),
    ['step', () => stepRate(2048, 192, 384, seconds)],
    ['forward', () => forwardRate('vit_tiny_patch16_224', gpu ? 64 : 8, seconds)],
    ...(gpu ? [['forward', () => forwardRate('vit_base_patch16_224', 64, seconds)] as const] : []),
  ];
}

/** Plans count on what this GPU did at the largest sizes. */
async function keepRates(rows: readonly Row[]): Promise<Row[]> {
  const valueOf = (label: string): number | undefined =>
    rows.find((row) => row.label.startsWith(label))?.value;
  const [step, images] = [valueOf('step 8192'), valueOf('forward vit_base')];
  if (step === undefined || images === undefined) return [];
  const training = (10 * 8192 * 768 * 1536) / (step / 1e3);
  const inference = images * forwardFlops(quickArchitecture('vit_base_patch16_224'));
  await keepGpuRates({ training, inference });
  return [
    {
      label: 'for plans',
      text: `training ${speed(training / 1e12)}, models forward ${speed(inference / 1e12)}`,
    },
  ];
}

const name = process.argv[2] as EngineName;
const seconds = Number(process.argv[3] ?? 1);
const began = performance.now();
const engine = await loadEngine(name).catch((error: unknown) => {
  const words = (error instanceof Error ? error.message : String(error))
    .split('\n')
    .map((line) => line.trim());
  sendRows([{ label: 'loads', text: `NO: ${words.join('; ')}`, failed: true }]);
  process.exit(0);
});
sendRows([
  {
    label: 'loads',
    text: `${engine.description} (${engine.device}), in ${((performance.now() - began) / 1e3).toFixed(1)} s`,
  },
]);
sendRows(await guarded('numbers', () => checkNumerics(name)));
if (name === 'webgpu' && engine.device === 'cpu') {
  sendRows([{ label: 'rates', text: 'not measured: a software driver is for tests' }]);
} else {
  const rows: Row[] = [];
  for (const [label, part] of rateParts(engine, seconds)) {
    const found = await guarded(label, part);
    sendRows(found);
    rows.push(...found);
  }
  if (name === 'webgpu') sendRows(await guarded('for plans', () => keepRates(rows)));
}
sendRows([{ label: 'memory', text: `${Math.round(process.memoryUsage().rss / 1e6)} MB of the process` }]);
