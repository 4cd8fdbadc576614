import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { distillGradients } from '../../pipeline/distill/loss.ts';
import { lossAndGradients, studentStep } from '../../pipeline/distill/step.ts';
import { stepMacs } from '../../pipeline/distill/step-macs.ts';
import { disposeStudent, ffnsOf, parameterName, startStudent } from '../../pipeline/distill/student.ts';
import {
  featureList,
  teacherFeatures,
  type FeatureShares,
  type TeacherFeatures,
} from '../../pipeline/distill/teacher-features.ts';
import { finishBlock, mixTokens } from '../../pipeline/model/parts.ts';
import type { ModelTensors } from '../../pipeline/model/backbone.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import { ffnList, ffnOfList } from '../../pipeline/model/ffn-tensors.ts';
import { ffnParts, randomFfn, type FfnWeights } from '../../pipeline/model/ffn-weights.ts';
import { hostFfn } from '../../pipeline/model/host-weights.ts';
import { initialWeights } from '../../pipeline/model/initial-weights.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import type { Tensors } from '../../pipeline/tensor/optimizer.ts';
import { plainly } from '../../pipeline/tensor/recorded/plainly.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { present } from '../support/present.ts';
import { cut, host, pixelsOf, small } from './rig.ts';

const scaleValues = [0.02, 0.05, 0.03, 0.1];

/** Runs `body` on the features of six images for a student cut to 8, 5 and 6 units. */
function withStudent<T>(
  shares: FeatureShares,
  body: (model: ModelTensors, features: TeacherFeatures, parameters: Tensors) => T,
  ffns: readonly FfnWeights[] = cut(8, 5, 6),
): T {
  const model = uploadTeacher(host, small);
  const student = startStudent({ id: 'student', ffns });
  const pixels = pixelsOf(6, 'step');
  const features = teacherFeatures(model, pixels, shares);
  try {
    return tf.tidy(() => body(model, features, student.parameters) as tf.TensorContainer) as T;
  } finally {
    tf.dispose([pixels, ...featureList(features)]);
    disposeStudent(student);
    model.dispose();
  }
}

function found(
  shares: FeatureShares,
  lookahead: number,
  ffns?: readonly FfnWeights[],
): { value: number; gradients: Record<string, Float32Array> } {
  return withStudent(
    shares,
    (model, features, parameters) => {
      const scales = scaleValues.map((value) => tf.scalar(value));
      const loss = { lookahead, divergence: true };
      const { value, gradients } = lossAndGradients(model, features, parameters, scales, loss);
      const read = Object.entries(gradients).map(([name, x]) => [name, x.dataSync<'float32'>().slice()]);
      return {
        value: value.dataSync()[0]!,
        gradients: Object.fromEntries(read) as Record<string, Float32Array>,
      };
    },
    ffns,
  );
}

function close(a: ArrayLike<number>, b: ArrayLike<number>, tolerance: number, message: string): void {
  const values = Array.from(a);
  const size = Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) + 1e-12);
  const distance = Math.sqrt(values.reduce((sum, x, i) => sum + (x - b[i]!) ** 2, 0));
  assert.ok(distance <= tolerance * size, `${message}: ${distance} of ${size}`);
}

describeOnEachEngine('the loss of a whole student', () => {
  it('is what whole forward passes say, and central differences confirm its gradient', () => {
    const all = { own: 6, given: 0 };
    const { value, gradients } = found(all, 1);
    assert.ok(Math.abs(value / wholeLoss(cut(8, 5, 6)) - 1) < 1e-4, `${value}, ${wholeLoss(cut(8, 5, 6))}`);
    for (const [block, part, at] of [
      [0, 'fc1Kernel', 5],
      [1, 'fc2Kernel', 3],
      [2, 'fc2Bias', 2],
    ] as const) {
      const at1 = (by: number): number => {
        const ffns = cut(8, 5, 6);
        ffns[block]![part][at]! += by;
        return wholeLoss(ffns);
      };
      const slope = (at1(4e-3) - at1(-4e-3)) / 8e-3;
      const own = gradients[parameterName(block, part)]![at]!;
      assert.ok(Math.abs(own - slope) < 0.02 * Math.abs(slope) + 0.02, `${block} ${part}: ${own}, ${slope}`);
    }
  });

  it('at lookahead 0 trains every block alone on the inputs that the student gives it', () => {
    withStudent({ own: 6, given: 0 }, (model, features, parameters) => {
      const own = present(features.own);
      const ffns = ffnsOf(parameters);
      const scales = scaleValues.map((value) => tf.scalar(value));
      const loss = { lookahead: 0, divergence: false };
      const { gradients } = lossAndGradients(model, features, parameters, scales, loss);
      let mixed = own.first;
      for (const block of [0, 1]) {
        const expected = tf.grads((...tensors: tf.Tensor[]) => {
          const error = tf.sub(finishBlock(model, block, mixed, ffnOfList(tensors)), own.after[block]!);
          return tf.mul<tf.Scalar>(tf.sum(tf.square(error)), scaleValues[block]!);
        })(ffnList(ffns[block]!));
        ffnParts(false).forEach((part, index) =>
          close(
            expected[index]!.dataSync(),
            gradients[parameterName(block, part)]!.dataSync(),
            1e-4,
            `block ${block}, ${part}`,
          ),
        );
        mixed = mixTokens(model, block + 1, finishBlock(model, block, mixed, ffns[block]!));
      }
    });
  });

  it('between 0 and 1 adds what comes of a block later, a power of lookahead for every block on the way', () => {
    const at = (lookahead: number) => found({ own: 6, given: 0 }, lookahead).gradients;
    const [none, half, whole, quarter] = [at(0), at(0.5), at(1), at(0.25)];
    // Block 1 of three: its own loss, and lookahead times the last's.
    const name = parameterName(1, 'fc1Kernel');
    close(half[name]!, none[name]!.map((x, i) => 0.5 * x + 0.5 * whole[name]![i]!), 1e-4, 'block 1'); // prettier-ignore
    // Block 0: a + l b + l^2 c through 0, 0.25, 0.5 and 1.
    const first = parameterName(0, 'fc2Kernel');
    const [n, h, w] = [none[first]!, half[first]!, whole[first]!];
    const c = w.map((x, i) => 2 * (x - 2 * h[i]! + n[i]!));
    const b = w.map((x, i) => x - n[i]! - c[i]!);
    close(quarter[first]!, n.map((x, i) => x + b[i]! / 4 + c[i]! / 16), 1e-3, 'block 0'); // prettier-ignore
    // The last block answers for itself.
    close(none[parameterName(2, 'fc1Kernel')]!, whole[parameterName(2, 'fc1Kernel')]!, 1e-6, 'block 2');
  });

  it('of images on the teacher’s stream is that of the blocks on the teacher’s inputs, and adds to that of the others', () => {
    const [own, given, both] = [
      found({ own: 2, given: 0 }, 0.5),
      found({ own: 0, given: 4 }, 0.5),
      found({ own: 2, given: 4 }, 0.5),
    ];
    close([own.value + given.value], [both.value], 1e-5, 'loss');
    for (const [name, gradient] of Object.entries(both.gradients)) {
      const sum = own.gradients[name]!.map((x, i) => x + given.gradients[name]![i]!);
      close(sum, gradient, 1e-4, name);
    }
    withStudent({ own: 0, given: 4 }, (_, { given: pairs }, parameters) => {
      for (const [block, ffn] of ffnsOf(parameters).entries()) {
        const { input, target } = pairs[block]!;
        const { gradients } = distillGradients(input, target, ffn, small.gelu, scaleValues[block]!);
        const name = parameterName(block, 'fc2Kernel');
        close(gradients.fc2Kernel.dataSync(), given.gradients[name]!, 1e-6, name);
      }
      // Of the last block the class token alone.
      assert.deepEqual(
        pairs.map(({ input }) => input.shape[0]),
        [20, 20, 4],
      );
    });
  });

  it('is 0 for the teacher’s own blocks, and so is every gradient', () => {
    const whole = [0, 1, 2].map((block) => hostFfn(host, block));
    const { value, gradients } = found({ own: 3, given: 3 }, 1, whole);
    assert.ok(value < 1e-6, String(value));
    for (const [name, gradient] of Object.entries(gradients)) {
      assert.ok(Math.max(...gradient.map(Math.abs)) < 1e-3, name);
    }
  });

  for (const gated of [undefined, true] as const) {
    it(`costs no products but those of the fewest: none for gradients that nobody asked for${gated ? ', gated' : ''}`, async () => {
      const architecture = {
        ...small,
        imageSize: 24,
        width: 16,
        heads: 2,
        hidden: 64,
        depth: 3,
        classes: 2,
        gated,
      };
      const model = uploadTeacher(initialWeights(architecture, 1), architecture);
      const pixels = tf.ones<tf.Rank.R4>([4, 24, 24, 3]);
      for (const lookahead of [0.5, 0]) {
        for (const shares of [
          { own: 2, given: 2 },
          { own: 0, given: 4 },
        ]) {
          const ffns = [32, 32, 32].map((hidden) => randomFfn(16, hidden, () => 0, gated));
          const student = startStudent({ id: 'student', ffns });
          const settings = {
            ...{ shares, lookahead, blockScales: [1, 1, 1], divergenceScale: shares.own > 0 ? 1 : 0 },
            ...{ learningRate: 1e-3, adam: {} },
          };
          const { kernels, result } = await tf.profile(() =>
            plainly(() => {
              const features = teacherFeatures(model, pixels, shares);
              const loss = studentStep(student, model, features, settings);
              tf.dispose([loss, ...featureList(features)]);
              return tf.scalar(0);
            }),
          );
          tf.dispose(result);
          const macs = kernels.reduce((sum, { name, inputShapes, outputShapes }) => {
            if (name !== 'BatchMatMul') return sum;
            const [rows = 1, columns = 1] = outputShapes[0]!.slice(-2);
            // Sums over rows are products with ones, and means over columns too: they take no time.
            if (rows === 1 || columns === 1) return sum;
            const inputs = inputShapes[0]!.reduce((size, extent) => size * extent, 1);
            return sum + inputs * columns;
          }, 0);
          const expected = stepMacs({ architecture, hiddens: [[32, 32, 32]], ...shares, lookahead });
          const ratio = macs / expected;
          assert.ok(ratio > 0.93 && ratio < 1.04, `${lookahead}, ${shares.own} own: ${ratio}`);
          disposeStudent(student);
        }
      }
      pixels.dispose();
      model.dispose();
    });
  }
});

/** Of all six images, by whole forward passes and on the host in float64. */
function wholeLoss(ffns: readonly FfnWeights[]): number {
  const model = uploadTeacher(host, small);
  const student = startStudent({ id: 'student', ffns });
  const pixels = pixelsOf(6, 'step');
  const capture = ['block-00.output', 'block-01.output', 'block-02.output'] as const;
  const read = (options: Parameters<typeof forward>[2]) => {
    const { logits, features } = forward(model, pixels, { ...options, capture });
    const streams = capture.map((name) => features[name].dataSync().slice());
    const values = logits.arraySync();
    tf.dispose([logits, features]);
    return { streams, probabilities: values.map(softmax) };
  };
  const [teacher, found] = [read({}), read({ ffn: (block) => ffnsOf(student.parameters)[block]! })];
  pixels.dispose();
  disposeStudent(student);
  model.dispose();
  let loss = 0;
  for (const [block, stream] of teacher.streams.entries()) {
    stream.forEach((value, i) => {
      const isRead = block < 2 || Math.floor(i / small.width) % 5 === 0;
      if (isRead) loss += scaleValues[block]! * (value - found.streams[block]![i]!) ** 2;
    });
  }
  for (const [image, row] of teacher.probabilities.entries()) {
    row.forEach((p, c) => (loss += scaleValues[3]! * p * Math.log(p / found.probabilities[image]![c]!)));
  }
  return loss;
}

function softmax(row: readonly number[]): number[] {
  const exps = row.map((x) => Math.exp(x - Math.max(...row)));
  return exps.map((x) => x / exps.reduce((a, b) => a + b));
}
