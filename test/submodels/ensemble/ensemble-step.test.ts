import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { backboneOf } from '../../../pipeline/model/backbones.ts';
import { forward } from '../../../pipeline/model/encoder.ts';
import { uploadWeights } from '../../../pipeline/model/upload.ts';
import { headGradients, submodelGradients } from '../../../pipeline/submodels/ensemble/ensemble-step.ts';
import { tokenLoss } from '../../../pipeline/submodels/fusion/token-loss.ts';
import { restrictOutputs } from '../../../pipeline/submodels/training/restrict-outputs.ts';
import type { Tensors } from '../../../pipeline/tensor/optimizer.ts';
import { crossEntropy } from '../../../pipeline/train/train-step.ts';
import { random } from '../../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../../support/engines.ts';
import { members, tokenWidth } from './rig.ts';

const [count, classes, width] = [5, 4, 8 + 12];
const rules = { weights: { tokens: 0.8, labels: 0.5, hard: 0.4 }, variance: 1.7 };

function draw(name: string, shape: readonly number[], scale = 1): tf.Tensor {
  const stream = random(2, name);
  const values = Float32Array.from(
    { length: shape.reduce((a, b) => a * b, 1) },
    () => scale * stream.normal(),
  );
  return tf.tensor(values, [...shape]);
}

/** Two models of different widths and families, a head, and a batch in which two images miss one of them. Run inside a tidy. */
function scene() {
  const hot = (labels: number[]) => tf.oneHot(tf.tensor1d(labels, 'int32'), classes).toFloat();
  const gone = [0, 8, 8, 20, 0, 0, 0, 0, 0, 0];
  const present = Float32Array.from({ length: count * width }, (_, i) => {
    const [image, at] = [Math.floor(i / width), i % width];
    return at >= gone[2 * image]! && at < gone[2 * image + 1]! ? 0 : 1;
  });
  const batch = {
    pixels: draw('pixels', [count, 8, 8, 1]) as tf.Tensor4D,
    targets: draw('targets', [count, classes], 2) as tf.Tensor2D,
    tokens: draw('tokens', [count, tokenWidth]),
    labels: hot([0, 1, 2, 3, 1]),
    hard: hot([0, 2, 2, 3, 0]),
    present: tf.tensor2d(present, [count, width]),
  };
  const facts = {
    rules,
    mean: draw('mean', [width], 0.3) as tf.Tensor1D,
    scale: tf.add<tf.Tensor1D>(1, draw('scale', [width], 0.2)),
  };
  const head: Tensors = {
    'kernel-0': draw('k0', [width, tokenWidth], 0.3),
    'bias-0': draw('b0', [tokenWidth]),
    'kernel-1': draw('k1', [tokenWidth, classes], 0.5),
    'bias-1': draw('b1', [classes]),
  };
  const models = members.map(({ weights, architecture }) => uploadWeights(weights, architecture));
  return { batch, facts, parts: [...models, head] as Tensors[] };
}

type Scene = ReturnType<typeof scene>;

const pooled = (place: number, weights: Tensors, { pixels }: Scene['batch']): tf.Tensor => {
  const { architecture } = members[place]!;
  return forward({ architecture, weights }, pixels, { capture: ['pooled'] }).features.pooled;
};

/** All that a step lowers, as one function of all weights: features of all models, the head, and what keeps their own heads up. */
function jointLoss({ batch, facts }: Scene, parts: readonly Tensors[], still: readonly tf.Tensor[]): tf.Scalar {
  const all = tf.concat(
    members.map((_, place) => pooled(place, parts[place]!, batch)),
    1,
  );
  const seen = tf.mul(tf.mul(tf.sub(all, facts.mean), facts.scale), batch.present);
  const own = members.map(({ architecture, subset }, place) =>
    crossEntropy(
      backboneOf(architecture).classify({ architecture, weights: parts[place]! }, still[place]!),
      tf.softmax(restrictOutputs(batch.targets, subset)),
    ),
  );
  return tf.addN([tokenLoss(seen, batch, parts[members.length]!, rules), ...own]);
} // prettier-ignore

function splitGradients(scene: Scene, features: readonly tf.Tensor[]): readonly Tensors[] {
  const { batch, facts, parts } = scene;
  const { atFeatures, atHead } = headGradients(features, facts, batch, parts[members.length]!);
  const own = members.map((one, place) =>
    submodelGradients(one, parts[place]!, batch, {
      features: features[place]!,
      gradient: atFeatures[place]!,
    }),
  );
  return [...own, atHead];
}

describeOnEachEngine('submodels/ensemble/ensemble-step', () => {
  it('has, model by model, the gradient that one pass through all of them has', () => {
    tf.tidy(() => {
      const here = scene();
      const features = members.map((_, place) => pooled(place, here.parts[place]!, here.batch));
      const split = splitGradients(here, features);
      const names = here.parts.flatMap((part, place) => Object.keys(part).map((name) => ({ place, name })));
      const { grads } = tf.valueAndGrads((...values: tf.Tensor[]) => {
        const parts = here.parts.map((_, at) =>
          Object.fromEntries(
            names.flatMap(({ place, name }, i) => (place === at ? [[name, values[i]!] as const] : [])),
          ),
        );
        return jointLoss(here, parts, features);
      })(names.map(({ place, name }) => here.parts[place]![name]!));
      names.forEach(({ place, name }, i) => {
        const [found, expected] = [split[place]![name]!, grads[i]!];
        assert.deepEqual(found.shape, expected.shape);
        const furthest = tf.max(tf.abs(tf.sub(found, expected))).dataSync()[0]!;
        const largest = tf.max(tf.abs(expected)).dataSync()[0]!;
        // Rounding, as sums are taken in another order.
        assert.ok(furthest <= 1e-5 + 1e-4 * largest, `${place} ${name}: ${furthest} of ${largest}`);
      });
    });
  });

  it('has the slope of the loss along any direction', () => {
    tf.tidy(() => {
      const here = scene();
      const features = members.map((_, place) => pooled(place, here.parts[place]!, here.batch));
      const split = splitGradients(here, features);
      for (const [place, part] of here.parts.entries()) {
        const directions = Object.fromEntries(
          Object.entries(part).map(([name, { shape }]) => [name, draw(`${place} ${name}`, shape)]),
        );
        const step = 3e-4;
        const at = (sign: number): number => {
          const parts = here.parts.map((own, index) =>
            index === place
              ? Object.fromEntries(
                  Object.entries(own).map(([name, tensor]) => [
                    name,
                    tf.add(tensor, tf.mul(directions[name]!, sign * step)),
                  ]),
                )
              : own,
          );
          return jointLoss(here, parts, features).dataSync()[0]!;
        };
        const expected = (at(1) - at(-1)) / (2 * step);
        const found = Object.entries(split[place]!).reduce(
          (sum, [name, gradient]) => sum + tf.sum(tf.mul(gradient, directions[name]!)).dataSync()[0]!,
          0,
        );
        // Float32 losses of about ten over a step of 6e-4, and the third derivative of a small model with large weights.
        assert.ok(Math.abs(found - expected) < 2e-2 * Math.max(1, Math.abs(expected)), `${place}: ${found}, ${expected}`); // prettier-ignore
      }
    });
  });
});
