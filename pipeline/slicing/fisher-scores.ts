import * as tf from '@tensorflow/tfjs-core';
import { sampleLabels } from '../compress/visit-gradients.ts';
import { backboneOf } from '../model/backbones.ts';
import { layerShapes } from '../model/family/layer-shapes.ts';
import { uploadTeacher } from '../model/upload.ts';
import { random } from '../util/random.ts';
import { toScores, type ScoreAxes } from './axis-scores.ts';
import { gatedLogits } from './gated-forward.ts';
import { visitImages } from './visit-images.ts';

/**
 * The second-order form of the divergence that a removal makes: with a gate g on a part, `KL(p || p without it)` is about
 * `1/2 E (d log p(y) / d g)^2`, y drawn from p (Theis et al. 2018). One backward pass over each image gives it for all parts.
 */
export function fisherScores(
  batches: () => AsyncIterable<tf.Tensor4D>,
  {
    images,
    seed,
    signal,
  }: { readonly images: number; readonly seed: number; readonly signal?: AbortSignal | undefined },
): ScoreAxes {
  return async (model, step) => {
    const { architecture } = model;
    const shapes = layerShapes(architecture);
    const tensors = uploadTeacher(model.weights, architecture);
    const parts: { shape: [number, number, number] | [number, number]; sum: Float64Array }[] =
      step === 'stream'
        ? [part([1, architecture.width])]
        : shapes.flatMap(({ heads, keySize, valueSize, hidden }) =>
            step === 'ffn' ? [part([1, hidden])] : [part([heads, 1, keySize]), part([heads, 1, valueSize])],
          );
    try {
      await visitImages(batches(), { images, signal }, (pixels, first) => {
        const batch = pixels.shape[0];
        tf.tidy(() => {
          const stream = backboneOf(architecture).embed(tensors, pixels);
          const logits = gatedLogits(tensors, stream, {});
          const labels = sampleLabels(logits.dataSync<'float32'>(), architecture.classes, (image) =>
            random(seed, 'fisher', first + image),
          );
          const chosen = tf.oneHot(tf.tensor1d(labels, 'int32'), architecture.classes);
          const gradients = tf.grads((...gates: tf.Tensor[]) => {
            const layers = shapes.map((_, layer) =>
              step === 'stream'
                ? undefined
                : step === 'ffn'
                  ? { units: gates[layer] }
                  : { keys: gates[2 * layer], values: gates[2 * layer + 1] },
            );
            const channels = step === 'stream' ? gates[0] : undefined;
            const told = gatedLogits(tensors, stream, { channels, layers });
            return tf.sum(tf.mul(chosen, tf.logSoftmax(told)));
          })(parts.map(({ shape }) => tf.ones([batch, ...shape])));
          for (const [index, gradient] of gradients.entries()) {
            const squares = tf.sum(tf.square(gradient), 0).dataSync<'float32'>();
            const { sum } = parts[index]!;
            for (let i = 0; i < sum.length; i++) sum[i]! += squares[i]!;
          }
        });
      });
    } finally {
      tensors.dispose();
    }
    return toScores(
      step,
      parts.map(({ sum }) => sum),
    );
  };
}

function part(shape: [number, number, number] | [number, number]) {
  return { shape, sum: new Float64Array(shape.reduce((product, extent) => product * extent, 1)) };
}
