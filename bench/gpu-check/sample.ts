import * as tf from '@tensorflow/tfjs-core';
import { createStatistics } from '../../pipeline/compress/statistics.ts';
import { disposeStudent, downloadFfns, startStudent } from '../../pipeline/distill/student.ts';
import { referenceFfn } from '../../pipeline/library/reference-ffn.ts';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import { randomFfn, type FfnWeights } from '../../pipeline/model/ffn-weights.ts';
import { initialWeights } from '../../pipeline/model/initial-weights.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import { gelu, linear, product, sumRows } from '../../pipeline/tensor/ops.ts';
import { random } from '../../pipeline/util/random.ts';
import { blockStep } from '../support/block-step.ts';

const architecture: Architecture = {
  layerNormEpsilon: 1e-6,
  gelu: 'exact',
  imageSize: 32,
  patchSize: 4,
  channels: 3,
  width: 96,
  depth: 3,
  heads: 4,
  hidden: 384,
  classes: 10,
};

/** A result, and the same in float64 by plain loops where that is simple; else engines are compared with each other. */
export interface Sampled {
  readonly found: ArrayLike<number>;
  readonly exact?: ArrayLike<number>;
}

/** What BlockForge computes, in small, by name: of the same random numbers on every engine. */
export async function sample(): Promise<Readonly<Record<string, Sampled>>> {
  const draw = random(1, 'gpu-check');
  const normal = (size: number, scale = 1, shift = 0): Float32Array =>
    Float32Array.from({ length: size }, () => shift + scale * draw.normal());
  const read = (compute: () => tf.Tensor): Float32Array =>
    Float32Array.from(tf.tidy(compute).dataSync<'float32'>());

  const [a, b] = [normal(200 * 333), normal(333 * 130)];
  const exactProduct = multiply(a, b, [200, 333, 130]);
  const tall = normal(4096 * 160, 0.5, 3);
  const statistics = createStatistics(160);
  const tallTensor = tf.tensor2d(tall, [4096, 160]);
  statistics.add(tallTensor);
  const { covariance } = statistics.finish();
  statistics.dispose();

  const ffn = randomFfn(96, 192, () => 0.05 * draw.normal());
  const tokens = normal(512 * 96);
  const layer = (x: tf.Tensor2D): tf.Tensor => {
    const [w1, w2] = [tf.tensor2d(ffn.fc1Kernel, [96, 192]), tf.tensor2d(ffn.fc2Kernel, [192, 96])];
    return linear(gelu(linear(x, w1, tf.tensor1d(ffn.fc1Bias)), 'exact'), w2, tf.tensor1d(ffn.fc2Bias));
  };
  const trained = await train(ffn, tokens, normal(512 * 96));

  const model = uploadTeacher(initialWeights(architecture, 2), architecture);
  const pixels = normal(8 * 32 * 32 * 3);
  const logits = read(() => forward(model, tf.tensor4d(pixels, [8, 32, 32, 3])).logits);
  model.dispose();
  const values = {
    'product, 333 terms': {
      found: read(() => product(tf.tensor2d(a, [200, 333]), tf.tensor2d(b, [333, 130]))),
      exact: exactProduct,
    },
    'product, both transposed': {
      found: read(() => product(tf.tensor2d(b, [333, 130]), tf.tensor2d(a, [200, 333]), true, true)),
      exact: transposed(exactProduct, 200, 130),
    },
    'sums of 4,096 numbers': { found: read(() => sumRows(tallTensor)), exact: columnSums(tall, 160) },
    'covariance of 4,096 tokens': { found: covariance, exact: covarianceOf(tall, 160) },
    'an FFN block': {
      found: read(() => layer(tf.tensor2d(tokens, [512, 96]))),
      exact: referenceFfn(ffn, tokens, 'exact'),
    },
    'logits of a ViT': { found: logits },
    'fc1 after 20 training steps': { found: trained.fc1Kernel },
    'fc2 after 20 training steps': { found: trained.fc2Kernel },
  };
  tallTensor.dispose();
  return values;
}

async function train(ffn: FfnWeights, tokens: Float32Array, targets: Float32Array): Promise<FfnWeights> {
  const student = startStudent({ id: 'check', ffns: [ffn] });
  const batch = { x: tf.tensor2d(tokens, [512, 96]), target: tf.tensor2d(targets, [512, 96]) };
  for (let step = 0; step < 20; step++) {
    blockStep(student, batch, { lossScale: 1 / (512 * 96), learningRate: 1e-3 }).dispose();
  }
  const trained = await downloadFfns(student);
  disposeStudent(student);
  tf.dispose([batch.x, batch.target]);
  return trained[0]!;
}

function multiply(
  a: Float32Array,
  b: Float32Array,
  [rows, inner, columns]: readonly [number, number, number],
) {
  const result = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++)
    for (let k = 0; k < inner; k++)
      for (let j = 0; j < columns; j++) result[i * columns + j]! += a[i * inner + k]! * b[k * columns + j]!;
  return result;
}

const transposed = (values: Float64Array, rows: number, columns: number): Float64Array =>
  values.map((_, at) => values[(at % rows) * columns + Math.floor(at / rows)]!);

function columnSums(values: Float32Array, columns: number): Float64Array {
  const sums = new Float64Array(columns);
  values.forEach((value, at) => (sums[at % columns]! += value));
  return sums;
}

function covarianceOf(values: Float32Array, columns: number): Float64Array {
  const rows = values.length / columns;
  const means = columnSums(values, columns).map((sum) => sum / rows);
  const centred = Float64Array.from(values, (value, at) => value - means[at % columns]!);
  const result = new Float64Array(columns * columns);
  for (let row = 0; row < rows; row++)
    for (let i = 0; i < columns; i++)
      for (let j = 0; j < columns; j++)
        result[i * columns + j]! += (centred[row * columns + i]! * centred[row * columns + j]!) / rows;
  return result;
}

/** |x - reference| / |reference|, Euclidean; Infinity where a number is not finite. */
export function relativeError(x: ArrayLike<number>, reference: ArrayLike<number>): number {
  let difference = 0;
  let size = 0;
  for (let i = 0; i < reference.length; i++) {
    difference += (x[i]! - reference[i]!) ** 2;
    size += reference[i]! ** 2;
  }
  const error = x.length === reference.length ? Math.sqrt(difference / size) : Infinity;
  return Number.isFinite(error) ? error : Infinity;
}
