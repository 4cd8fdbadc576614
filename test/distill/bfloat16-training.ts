/**
 * What bfloat16 training gives, printed as JSON: for a process of its own, because TensorFlow's environment decides by what, and whether the
 * process survives it (`bfloat16Obstacle`).
 */
import * as tf from '@tensorflow/tfjs-core';
import { studentStep } from '../../pipeline/distill/step.ts';
import { disposeStudent, startStudent } from '../../pipeline/distill/student.ts';
import { ffnParts, randomFfn } from '../../pipeline/model/ffn-weights.ts';
import { bfloat16Speedup } from '../../pipeline/precision/bfloat16-speedup.ts';
import { loadEngine } from '../../pipeline/tensor/engine.ts';
import type { Precision } from '../../pipeline/tensor/recorded/precision.ts';
import { runsAsItIs } from '../../pipeline/tensor/recorded/recorded.ts';
import { random } from '../../pipeline/util/random.ts';
import { memoryCheckpoint } from '../support/memory-checkpoint.ts';
import { abortAfter, small, timeless, train, type Changes } from './rig.ts';
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
  const student = startStudent({ id: 'student', ffns: [weights] });
  const batch = {
    x: tf.tensor2d(rows.x, [tokens, width]),
    target: tf.tensor2d(rows.target, [tokens, width]),
  };
  const features = { own: undefined, given: [{ input: batch.x, target: batch.target }] };
  const model = { architecture: { ...small, depth: 1 }, weights: {} };
  const loss = studentStep(student, model, features, {
    ...{ shares: { own: 0, given: 1 }, lookahead: 0, blockScales: [1 / tokens], divergenceScale: 0 },
    ...{ learningRate: 1e-3, adam: {}, precision },
  });
  const gradients = ffnParts(false).map((part) =>
    Array.from(present(student.adam.m[`block-00/${part}`]).dataSync()),
  );
  const found = { loss: loss.dataSync()[0], gradients };
  tf.dispose([loss, ...Object.values(batch)]);
  disposeStudent(student);
  return found;
}

/** Two students of one teacher, the wider in bfloat16; the training is whole, and interrupted after step 7. */
async function trained() {
  // At the rate of the other tests this small a model magnifies any rounding.
  const settings = { steps: 10, learningRate: 2e-3 };
  const precisionOf: Changes['precisionOf'] = ({ id, refitError }) =>
    id === 'w0008' && refitError > 0 ? 'bfloat16' : 'float32';
  const float32 = await train({ settings });
  const whole = await train({ settings, precisionOf });
  const checkpoint = memoryCheckpoint();
  await train({ settings, precisionOf, checkpoint, signal: abortAfter(7) }).catch(() => undefined);
  const kept = present(checkpoint.saved.at(-1)).meta;
  // Whoever would decide otherwise now is not asked.
  const resumed = await train({ settings, checkpoint, precisionOf: () => 'float32' });
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
