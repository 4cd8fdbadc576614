/**
 * What bfloat16 training gives, printed as JSON: for a process of its own, because TensorFlow's environment decides by what, and whether the
 * process survives it (`bfloat16Obstacle`).
 */
import * as tf from '@tensorflow/tfjs-core';
import { distillBlock } from '../../pipeline/distill/loop.ts';
import { studentStep } from '../../pipeline/distill/step.ts';
import { disposeStudent, startStudent } from '../../pipeline/distill/student.ts';
import type { DistillTask } from '../../pipeline/distill/task.ts';
import { teacherExamples } from '../../pipeline/distill/teacher-examples.ts';
import { ffnParts, randomFfn, sliceFfn } from '../../pipeline/model/ffn-weights.ts';
import { bfloat16Speedup } from '../../pipeline/precision/bfloat16-speedup.ts';
import { loadEngine } from '../../pipeline/tensor/engine.ts';
import type { Precision } from '../../pipeline/tensor/recorded/precision.ts';
import { runsAsItIs } from '../../pipeline/tensor/recorded/recorded.ts';
import { random } from '../../pipeline/util/random.ts';
import { memoryCheckpoint } from '../support/memory-checkpoint.ts';
import { abortAfter, timeless } from './rig.ts';
import { present } from '../support/present.ts';

export const shape = { tokens: 96, width: 16, hidden: 24 };

export function stepInputs() {
  const { tokens, width, hidden } = shape;
  const draw = random(4, 'bfloat16');
  const normals = (length: number) => Float32Array.from({ length }, () => draw.normal());
  const weights = randomFfn(width, hidden, () => 0.3 * draw.normal());
  return { weights, x: normals(tokens * width), target: normals(tokens * width) };
}

/** The first step's loss, and its gradients which are Adam's first moments then. */
function firstStep(precision: Precision) {
  const { tokens, width } = shape;
  const { weights, ...rows } = stepInputs();
  const student = startStudent('student', weights, () => 0);
  const batch = {
    x: tf.tensor2d(rows.x, [tokens, width]),
    target: tf.tensor2d(rows.target, [tokens, width]),
  };
  const settings = { lossScale: 1 / tokens, learningRate: 1e-3, gelu: 'exact', adam: {}, precision } as const;
  const loss = studentStep(student, batch, settings);
  const gradients = ffnParts.map((part) => Array.from(present(student.adam.m[part]).dataSync()));
  const found = { loss: loss.dataSync()[0], gradients };
  tf.dispose([loss, ...Object.values(batch)]);
  disposeStudent(student);
  return found;
}

/** Two students of one teacher, the wider in bfloat16; the training is whole, and interrupted after step 7. */
async function trained() {
  const draw = random(5, 'bfloat16');
  const normals = (length: number) => Float32Array.from({ length }, () => draw.normal());
  const teacher = randomFfn(8, 24, () => 0.5 * draw.normal());
  const [rows, heldOut] = [normals(600 * 8), normals(150 * 8)];
  const read = (start: number, count: number) => Promise.resolve(rows.slice(start * 8, (start + count) * 8));
  const students = [18, 10].map((count) => ({
    id: `w${count}`,
    weights: sliceFfn(teacher, [...Array(count).keys()]),
  }));
  const train = async (changes: Partial<DistillTask>) => {
    const tokens = { count: 600, width: 8, read };
    const options = { heldOut, gelu: 'exact', batchTokens: 96, seed: 1 } as const;
    const examples = teacherExamples({ teacher, students: 2, tokens, ...options });
    const settings = {
      optimizer: 'adamw',
      learningRate: 2e-2,
      schedule: 'cosine',
      loss: 'mse',
      steps: 20,
    } as const;
    return distillBlock({
      block: 'block-00',
      students,
      examples,
      settings: { ...settings, warmupShare: 0.05, weightDecay: 0 },
      signal: new AbortController().signal,
      checkpoint: memoryCheckpoint(),
      ...changes,
    }).finally(() => examples.dispose());
  };
  const precisionOf: DistillTask['precisionOf'] = ({ weights: { hidden }, refitError }) =>
    hidden === 18 && refitError > 0 ? 'bfloat16' : 'float32';
  const float32 = await train({});
  const whole = await train({ precisionOf });
  const checkpoint = memoryCheckpoint();
  await train({ precisionOf, checkpoint, signal: abortAfter(7) }).catch(() => undefined);
  const kept = present(checkpoint.saved.at(-1)).meta;
  // Whoever would decide otherwise now is not asked.
  const resumed = await train({ checkpoint, precisionOf: () => 'float32' });
  const plain = (result: typeof whole) => JSON.parse(JSON.stringify(timeless(result))) as unknown;
  return { kept, float32: plain(float32), whole: plain(whole), resumed: plain(resumed) };
}

if (process.argv[1] === import.meta.filename) {
  await loadEngine('tensorflow');
  const before = tf.memory().numTensors;
  const steps = { float32: firstStep('float32'), bfloat16: firstStep('bfloat16') };
  const speedup = bfloat16Speedup(shape);
  const training = await trained();
  const asItIs = runsAsItIs();
  process.env.BLOCKFORGE_FUNCTIONS = 'off';
  const offTape = firstStep('bfloat16');
  const left = tf.memory().numTensors - before;
  process.stdout.write(JSON.stringify({ ...steps, offTape, speedup, training, asItIs, left }));
}
