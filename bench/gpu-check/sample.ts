import * as tf from '@tensorflow/tfjs-core';
import { createStatistics } from '../../pipeline/compress/statistics.ts';
import { studentStep } from '../../pipeline/distill/step.ts';
import { disposeStudent, startStudent } from '../../pipeline/distill/student.ts';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import { downloadFfn } from '../../pipeline/model/ffn-tensors.ts';
import { randomFfn } from '../../pipeline/model/ffn-weights.ts';
import { initialWeights } from '../../pipeline/model/initial-weights.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import { product, sumRows } from '../../pipeline/tensor/ops.ts';
import { random } from '../../pipeline/util/random.ts';

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

/** What BlockForge computes, in small, by name: the same random numbers on every engine, so that engines can be compared. */
export async function sample(): Promise<Readonly<Record<string, Float32Array>>> {
  const draw = random(1, 'gpu-check');
  const normal = (shape: number[], scale = 1): tf.Tensor => {
    const size = shape.reduce((total, extent) => total * extent, 1);
    return tf.tensor(
      Float32Array.from({ length: size }, () => scale * draw.normal()),
      shape,
    );
  };
  const read = (compute: () => tf.Tensor): Float32Array =>
    Float32Array.from(tf.tidy(compute).dataSync<'float32'>());
  const a = normal([200, 333]);
  const b = normal([333, 130]);
  const tall = normal([4096, 160], 0.5);

  const statistics = createStatistics(160);
  statistics.add(tf.tidy(() => tf.add(tf.relu(tall), 3)));
  const { covariance } = statistics.finish();
  statistics.dispose();

  const model = uploadTeacher(initialWeights(architecture, 2), architecture);
  const pixels = normal([8, 32, 32, 3]);
  const { logits } = forward(model, pixels);

  const student = startStudent(
    'check',
    randomFfn(96, 192, () => 0.05 * draw.normal()),
    () => 0,
  );
  const batch = { x: normal([512, 96]), target: normal([512, 96]) };
  for (let step = 0; step < 20; step++) {
    const lossScale = 1 / (512 * 96);
    studentStep(student, batch, { lossScale, learningRate: 1e-3, gelu: 'exact', adam: {} }).dispose();
  }
  const { fc1Kernel, fc2Kernel } = await downloadFfn(student.parameters);
  disposeStudent(student);
  model.dispose();
  const values = {
    'product, 333 terms': read(() => product(a, b)),
    'transposed product': read(() => product(b, a, true, true)),
    'sums of 4,096 numbers': read(() => sumRows(tall)),
    'statistics of 4,096 tokens': Float32Array.from(covariance),
    'logits of a ViT': read(() => tf.clone(logits)),
    'fc1 after 20 training steps': fc1Kernel,
    'fc2 after 20 training steps': fc2Kernel,
  };
  tf.dispose([a, b, tall, pixels, logits, batch.x, batch.target]);
  return values;
}

/** |x - reference| / |reference|, Euclidean; Infinity where a number is not finite. */
export function relativeError(x: Float32Array, reference: Float32Array): number {
  let difference = 0;
  let size = 0;
  for (const [i, value] of reference.entries()) {
    difference += (x[i]! - value) ** 2;
    size += value ** 2;
  }
  const error = Math.sqrt(difference / size);
  return Number.isFinite(error) ? error : Infinity;
}
