import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { visitGradients } from '../../../pipeline/compress/visit-gradients.ts';
import { studentStep } from '../../../pipeline/distill/step.ts';
import { disposeStudent, startStudent } from '../../../pipeline/distill/student.ts';
import { featureList, teacherFeatures } from '../../../pipeline/distill/teacher-features.ts';
import { lossAndGradients } from '../../../pipeline/distill/polish.ts';
import { countCorrect } from '../../../pipeline/measure/accuracy.ts';
import { sweep } from '../../../pipeline/measure/sweep.ts';
import { ffnNames, ffnParts, sliceFfn } from '../../../pipeline/model/ffn-weights.ts';
import { hostFfn } from '../../../pipeline/model/host-weights.ts';
import { initialWeights } from '../../../pipeline/model/initial-weights.ts';
import { teacherFfn } from '../../../pipeline/model/ffn-tensors.ts';
import { uploadTeacher, uploadWeights } from '../../../pipeline/model/upload.ts';
import { adamInit, adamUpdate, disposeAdam, type Tensors } from '../../../pipeline/tensor/optimizer.ts';
import { functionCount } from '../../../pipeline/tensor/recorded/attempt.ts';
import { plainly } from '../../../pipeline/tensor/recorded/plainly.ts';
import { runsAsItIs } from '../../../pipeline/tensor/recorded/recorded.ts';
import { decays, trainStep, type TrainingModel } from '../../../pipeline/train/train-step.ts';
import { random } from '../../../pipeline/util/random.ts';
import { strongWeights, tinyArchitecture as tiny } from '../../support/checkpoints.ts';
import { describeOnEachEngine, enginesToTest } from '../../support/engines.ts';

const host = strongWeights(tiny);
const steps = 20;
/** Warm-up and a fall: a rate that was baked in would show. */
const rateAt = (step: number): number => 1e-2 * Math.min(1, (step + 1) / 5) * (1 - step / (2 * steps));

const normals = (shape: number[], ...labels: (string | number)[]): tf.Tensor => {
  const stream = random(11, 'steps', ...labels);
  const size = shape.reduce((a, b) => a * b, 1);
  return tf.tensor(
    Float32Array.from({ length: size }, () => stream.normal()),
    shape,
  );
};

/** All values of a training in one list: losses first, then weights. */
type Training = (rate: (step: number) => number) => number[];

const distillation: Training = (rate) => {
  const model = uploadTeacher(host, tiny);
  const student = startStudent({
    id: 'half',
    ffns: [0, 1].map((block) => sliceFfn(hostFfn(host, block), [0, 2, 4, 6, 8])),
  });
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    const pixels = normals([4, 8, 8, 3], 'pixels', step) as tf.Tensor4D;
    const shares = { own: 2, given: 2 };
    const features = teacherFeatures(model, pixels, shares);
    const adam = {
      ...{ weightDecay: 0.05, clipNorm: 1, epsilon: 1e-3 },
      decays: (name: string) => name.endsWith('Kernel'),
    };
    const loss = studentStep(student, model, features, {
      ...{ shares, lookahead: 0.5, blockScales: [1 / (16 + step), 0.1], divergenceScale: 0.1 },
      ...{ learningRate: rate(step), adam },
    });
    losses.push(loss.dataSync()[0]!);
    tf.dispose([pixels, loss, ...featureList(features)]);
  }
  const weights = Object.values(student.parameters).flatMap((tensor) => [...tensor.dataSync()]);
  disposeStudent(student);
  model.dispose();
  return [...losses, ...weights];
};

const teacherTraining: Training = (rate) => {
  const weights = uploadWeights(initialWeights(tiny, 1), tiny);
  let model: TrainingModel = { weights, adam: adamInit(weights) };
  const losses: number[] = [];
  // The gradient of a key's bias is mere rounding, of which Adam would make whole steps.
  const settings = { weightDecay: 0.05, decays, clipNorm: 1, epsilon: 1e-3 };
  for (let step = 0; step < steps; step++) {
    const pixels = normals([4, 8, 8, 3], 'pixels', step) as tf.Tensor4D;
    const targets = tf.tidy(() => tf.softmax(normals([4, 5], 'targets', step)) as tf.Tensor2D);
    const next = trainStep(model, tiny, { pixels, targets }, settings, rate(step));
    model = next.model;
    losses.push(next.loss.dataSync()[0]!);
    tf.dispose([pixels, targets, next.loss]);
  }
  const values = Object.values(model.weights).flatMap((tensor) => [...tensor.dataSync()]);
  tf.dispose(Object.values(model.weights));
  disposeAdam(model.adam);
  return [...losses, ...values];
};

const polish: Training = (rate) => {
  const model = uploadTeacher(host, tiny);
  let parameters: Tensors = Object.fromEntries(
    [0, 1].flatMap((block) =>
      ffnParts(false).map((part) => {
        const name = ffnNames(block)[part];
        return [name, tf.mul(model.weights[name]!, 0.8)] as const;
      }),
    ),
  );
  let adam = adamInit(parameters);
  const losses: number[] = [];
  const settings = { weightDecay: 0.01, decays: (name: string) => name.endsWith('.weight'), clipNorm: 1 };
  for (let step = 0; step < steps; step++) {
    const pixels = normals([4, 8, 8, 3], 'pixels', step) as tf.Tensor4D;
    const { value, gradients } = lossAndGradients(model, parameters, pixels, 1);
    ({ parameters, state: adam } = adamUpdate(settings, rate(step), parameters, gradients, adam));
    losses.push(value.dataSync()[0]!);
    tf.dispose([pixels, value]);
  }
  const values = Object.values(parameters).flatMap((tensor) => [...tensor.dataSync()]);
  tf.dispose(Object.values(parameters));
  disposeAdam(adam);
  model.dispose();
  return [...losses, ...values];
};

if (enginesToTest().includes('tensorflow')) {
  describeOnEachEngine('a step as a function', (engine) => {
    if (engine !== 'tensorflow') return;

    // Other tests of this process have their own.
    let others = 0;
    before(() => (others = runsAsItIs().length));
    const asItIs = () => runsAsItIs().slice(others);

    const trainings = {
      'of distillation': distillation,
      'of a teacher’s training': teacherTraining,
      'of polishing': polish,
    };
    for (const [title, train] of Object.entries(trainings)) {
      it(`${title}: 20 are the plain ones within 1e-4, the same bits every time, and heed a rate that changes`, () => {
        const expected = plainly(() => train(rateAt));
        const found = train(rateAt);
        assert.ok(functionCount() > 0, 'no function was made');
        found.forEach((value, i) => {
          assert.ok(
            Math.abs(value - expected[i]!) <= 1e-4 * (1 + Math.abs(expected[i]!)),
            `${i}: ${value} ${expected[i]}`,
          );
        });
        const made = functionCount();
        assert.deepEqual(train(rateAt), found);
        assert.equal(functionCount(), made);
        const other = train((step) => rateAt(step) / 2);
        assert.ok(other.some((value, i) => Math.abs(value - found[i]!) > 1e-3));
      });
    }

    it('and measuring and gradients too: nothing of the product runs as it is', async () => {
      const model = uploadTeacher(host, tiny);
      const batches = async function* () {
        for (const images of [3, 2])
          yield await Promise.resolve({
            pixels: normals([images, 8, 8, 3], 'measured', images) as tf.Tensor4D,
            labels: new Int32Array(images),
            ids: Array.from({ length: images }, (_, i) => `${images}-${i}`),
          });
      };
      const descendants = [0, 1].map((block) => ({
        id: `d${block}`,
        block,
        ffn: teacherFfn(model, 1 - block),
      }));
      const swept = async () => {
        const { models } = await sweep({ model, batches: batches(), descendants, models: [] });
        return [...models.values()].flatMap(({ kl }) => [...kl]);
      };
      const found = await swept();
      process.env.BLOCKFORGE_FUNCTIONS = 'off';
      try {
        (await swept()).forEach((value, i) => assert.ok(Math.abs(value - found[i]!) < 1e-5));
      } finally {
        delete process.env.BLOCKFORGE_FUNCTIONS;
      }
      await countCorrect(model, batches());
      const slopes = (): number[] => {
        const pixels = normals([2, 8, 8, 3], 'slopes') as tf.Tensor4D;
        const all: number[] = [];
        visitGradients(
          model,
          pixels,
          Int32Array.of(0, 3, 7),
          () => Int32Array.of(1, 4),
          (_, found) => {
            for (const tensor of [found.input, found.hidden, found.outputGradient])
              all.push(...tensor.dataSync());
          },
        );
        pixels.dispose();
        return all;
      };
      const expected = plainly(slopes);
      slopes().forEach((value, i) => {
        assert.ok(
          Math.abs(value - expected[i]!) <= 1e-4 * (1 + Math.abs(expected[i]!)),
          `${i}: ${value} ${expected[i]}`,
        );
      });
      model.dispose();
      assert.deepEqual(asItIs(), []);
    });
  });
}
