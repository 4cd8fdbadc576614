import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { disposeStudent, startStudent } from '../../pipeline/distill/student.ts';
import { randomFfn, type FfnWeights } from '../../pipeline/model/ffn-weights.ts';
import { transposed } from '../../pipeline/model/host-weights.ts';
import { writeSafetensors } from '../../pipeline/model/safetensors.ts';
import type { Precision } from '../../pipeline/tensor/recorded/precision.ts';
import { random } from '../../pipeline/util/random.ts';
import { blockStep } from '../support/block-step.ts';
import { canCompute, type Row } from './comparison.ts';
import { ownSide, type Side } from './measure.ts';
import { productsSide } from './products.ts';

export interface StepCase {
  readonly tokens: number;
  /** D */
  readonly width: number;
  /** H of the descendant */
  readonly hidden: number;
  readonly precision: Precision;
}

/** A distillation step (loss, gradients, AdamW) of one descendant, target given: five products, 10 tokens D H operations. */
export function stepRow({ tokens, width, hidden, precision }: StepCase): Row {
  const note = precision === 'float32' ? '' : `, ${precision}`;
  return {
    group: 'step',
    title: `distillation step ${tokens} x ${width} x ${hidden}${note}`,
    async open({ engine, folder, peer }) {
      const draw = random(1, 'bench');
      const normals = (length: number) => Float32Array.from({ length }, () => draw.normal());
      const weights = randomFfn(width, hidden, () => 0.03 * draw.normal());
      const [x, target] = [normals(tokens * width), normals(tokens * width)];
      const file = join(folder, 'step.safetensors');
      await writeSafetensors(file, {
        x: { shape: [tokens, width], data: x },
        target: { shape: [tokens, width], data: target },
        ...asLayers(weights),
      });
      const python = await peer(engine.threads);
      const torch = await python?.prepare('step', { file, precision });
      const batch = { x: tf.tensor2d(x, [tokens, width]), target: tf.tensor2d(target, [tokens, width]) };
      const student = startStudent({ id: 'bench', ffns: [weights] });
      const isOurs = canCompute(engine, precision);
      const products = isOurs
        ? productsSide(
            [
              { left: [tokens, width], right: [width, hidden] },
              { left: [tokens, hidden], right: [hidden, width] },
              { left: [tokens, width], right: [hidden, width], transposeRight: true },
              { left: [tokens, width], right: [tokens, hidden], transposeLeft: true },
              { left: [tokens, hidden], right: [tokens, width], transposeLeft: true },
            ],
            precision,
          )
        : undefined;
      return {
        flop: 10 * tokens * width * hidden,
        ours: isOurs ? ourStep(student, batch, precision) : undefined,
        products,
        peers:
          torch === undefined
            ? []
            : [{ name: precision === 'float32' ? 'PyTorch' : 'PyTorch autocast', side: torch }],
        warmUp: 3,
        tolerance: precision === 'float32' ? 1e-4 : 1e-2,
        close() {
          disposeStudent(student);
          products?.dispose();
          tf.dispose(batch);
        },
      };
    },
  };
}

function ourStep(
  student: ReturnType<typeof startStudent>,
  batch: { readonly x: tf.Tensor; readonly target: tf.Tensor },
  precision: Precision,
): Side {
  const [tokens, width] = batch.x.shape as [number, number];
  const lossScale = 1 / (tokens * width);
  const settings = { lossScale, learningRate: 1e-3, precision };
  return ownSide((count) => {
    let last: tf.Scalar | undefined;
    for (let i = 0; i < count; i++) {
      last?.dispose();
      last = blockStep(student, batch, settings);
    }
    // Read once: a training reads its losses now and then, too.
    const loss = last?.dataSync()[0] ?? NaN;
    last?.dispose();
    return [loss];
  });
}

/** As PyTorch keeps them: [out, in]. */
function asLayers({ width, hidden, fc1Kernel, fc1Bias, fc2Kernel, fc2Bias }: FfnWeights) {
  return {
    'fc1.weight': { shape: [hidden, width], data: transposed(fc1Kernel, width, hidden) },
    'fc1.bias': { shape: [hidden], data: fc1Bias },
    'fc2.weight': { shape: [width, hidden], data: transposed(fc2Kernel, hidden, width) },
    'fc2.bias': { shape: [width], data: fc2Bias },
  };
}
