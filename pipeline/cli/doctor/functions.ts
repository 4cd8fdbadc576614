import * as tf from '@tensorflow/tfjs-core';
import { studentStep } from '../../distill/step.ts';
import { disposeStudent, startStudent } from '../../distill/student.ts';
import { featureList, teacherFeatures } from '../../distill/teacher-features.ts';
import type { Architecture } from '../../model/architecture.ts';
import { forward } from '../../model/encoder.ts';
import { hostFfn } from '../../model/host-weights.ts';
import { initialWeights } from '../../model/initial-weights.ts';
import { uploadTeacher } from '../../model/upload.ts';
import { functionBackend } from '../../tensor/recorded/backend.ts';
import { isPlain, plainly } from '../../tensor/recorded/plainly.ts';
import { runsAsItIs } from '../../tensor/recorded/recorded.ts';

/** What TensorFlow functions gain here, or why there are none. */
export type Functions =
  | {
      /** How many times as fast as operation by operation: a small forward pass, a small step of distillation. */
      readonly forward: number;
      readonly step: number;
      /** Of the logits, relative to their root mean square. */
      readonly difference: number;
    }
  | { readonly why: string; readonly remedy?: string };

/** A block as wide as ViT-Tiny's on small images: the cost of an operation shows, and so does arithmetic. */
const architecture: Architecture = {
  imageSize: 64,
  patchSize: 16,
  channels: 3,
  width: 192,
  depth: 2,
  heads: 3,
  hidden: 768,
  classes: 10,
  layerNormEpsilon: 1e-6,
  gelu: 'exact',
};

/** Of each kind, in turn with the other; the quickest counts. */
const repetitions = 7;

/** Times both ways on the tensorflow engine, which must be loaded: less than a second. */
export function lookAtFunctions(): Functions {
  if (isPlain()) return { why: 'switched off by BLOCKFORGE_FUNCTIONS' };
  if (functionBackend() === undefined) {
    return { why: 'the compiled binding is of an older version', remedy: 'npm run setup' };
  }
  const others = runsAsItIs().length;
  const host = initialWeights(architecture, 1);
  const model = uploadTeacher(host, architecture);
  const student = startStudent({ id: 'trial', ffns: [0, 1].map((block) => hostFfn(host, block)) });
  const pixels = tf.randomNormal<tf.Rank.R4>([8, 64, 64, 3], 0, 1, 'float32', 1);
  const shares = { own: 4, given: 4 };
  const settings = {
    ...{ shares, lookahead: 0.5, blockScales: [1e-3, 1e-3], divergenceScale: 0.1 },
    ...{ learningRate: 1e-3, adam: {} },
  };
  try {
    const logits = (): Float32Array =>
      tf.tidy(() => forward(model, pixels).logits.dataSync<'float32'>().slice());
    const step = (): void => {
      const features = teacherFeatures(model, pixels, shares);
      const loss = studentStep(student, model, features, settings);
      loss.dataSync();
      tf.dispose([loss, ...featureList(features)]);
    };
    const expected = plainly(logits);
    const found = logits();
    step();
    const [failed] = runsAsItIs().slice(others);
    if (failed !== undefined) return { why: failed.reason };
    const square = (values: Float32Array) => values.reduce((sum, value) => sum + value * value, 0);
    const difference = Math.sqrt(square(found.map((value, i) => value - expected[i]!)) / square(expected));
    return { forward: gainOf(logits), step: gainOf(step), difference };
  } finally {
    pixels.dispose();
    disposeStudent(student);
    model.dispose();
  }
}

function gainOf(body: () => unknown): number {
  let plain = Infinity;
  let quick = Infinity;
  for (let i = 0; i < repetitions; i++) {
    plain = Math.min(
      plain,
      plainly(() => millisecondsOf(body)),
    );
    quick = Math.min(quick, millisecondsOf(body));
  }
  return plain / quick;
}

function millisecondsOf(body: () => unknown): number {
  const began = performance.now();
  body();
  return performance.now() - began;
}

export function functionsLine(functions: Functions): string {
  if ('why' in functions) return `not in use: ${functions.why}`;
  const { forward, step, difference } = functions;
  const gains = `a small forward pass ${forward.toFixed(1)}x, a small distillation step ${step.toFixed(1)}x as fast`;
  return `in use: ${gains}, logits equal to ${difference.toExponential(0)}`;
}
