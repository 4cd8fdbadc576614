import * as tf from '@tensorflow/tfjs-core';
import { scoreLogits, teacherReference } from '../measure/score-logits.ts';
import { backboneOf } from '../model/backbones.ts';
import { layerShapes } from '../model/family/layer-shapes.ts';
import { uploadTeacher } from '../model/upload.ts';
import { toScores, type ScoreAxes } from './axis-scores.ts';
import { gatedLayer, gatedLogits, type LayerGates } from './gated-forward.ts';
import { visitImages } from './visit-images.ts';

export interface KlOptions {
  /** That an axis is divided into, contiguously: one forward pass for each, from its layer on. */
  readonly groups: number;
  readonly images: number;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The published score (ED-ViT, section 4): the mean divergence `KL(p || p without the group)` of the class distribution when
 * a group is set to zero, measured. Every part of a group has its score.
 */
export function klScores(
  batches: () => AsyncIterable<tf.Tensor4D>,
  { groups, images, signal }: KlOptions,
): ScoreAxes {
  return async (model, step) => {
    const { architecture } = model;
    const shapes = layerShapes(architecture);
    const tensors = uploadTeacher(model.weights, architecture);
    const sums =
      step === 'stream'
        ? [new Float64Array(architecture.width)]
        : shapes.flatMap(({ heads, keySize, valueSize, hidden }) =>
            step === 'ffn'
              ? [new Float64Array(hidden)]
              : [new Float64Array(heads * keySize), new Float64Array(heads * valueSize)],
          );
    try {
      await visitImages(batches(), { images, signal }, (pixels) => {
        let stream = tf.tidy(() => backboneOf(architecture).embed(tensors, pixels));
        const whole = tf.tidy(() => gatedLogits(tensors, stream, {}).dataSync<'float32'>());
        const reference = teacherReference(whole, architecture.classes);
        const labels = new Int32Array(pixels.shape[0]);
        const divergence = (logits: () => tf.Tensor): number => {
          signal?.throwIfAborted();
          const values = tf.tidy(() => logits().dataSync<'float32'>());
          return scoreLogits(values, labels, reference).kl.reduce((sum, value) => sum + value, 0);
        };
        const score = (sum: Float64Array, run: (gate: Float32Array) => tf.Tensor): void => {
          for (const [from, to] of groupsOf(sum.length, groups)) {
            const gate = new Float32Array(sum.length).fill(1).fill(0, from, to);
            const found = divergence(() => run(gate));
            for (let i = from; i < to; i++) sum[i]! += found;
          }
        };
        try {
          if (step === 'stream') {
            score(sums[0]!, (gate) =>
              gatedLogits(tensors, stream, { channels: tf.tensor(gate, [1, 1, gate.length]) }),
            );
          }
          for (let layer = 0; step !== 'stream' && layer < shapes.length; layer++) {
            const { heads, keySize, valueSize } = shapes[layer]!;
            const gated = (gates: LayerGates): tf.Tensor =>
              gatedLogits(tensors, gatedLayer(tensors, layer, stream, undefined, gates), {}, layer + 1);
            if (step === 'ffn') {
              score(sums[layer]!, (gate) => gated({ units: tf.tensor(gate, [1, 1, gate.length]) }));
            } else {
              score(sums[2 * layer]!, (gate) => gated({ keys: tf.tensor(gate, [1, heads, 1, keySize]) }));
              score(sums[2 * layer + 1]!, (gate) =>
                gated({ values: tf.tensor(gate, [1, heads, 1, valueSize]) }),
              );
            }
            const before = stream;
            stream = gatedLayer(tensors, layer, before, undefined);
            before.dispose();
          }
        } finally {
          stream.dispose();
        }
      });
    } finally {
      tensors.dispose();
    }
    return toScores(step, sums);
  };
}

/** Contiguous, sizes differ by at most one. */
function groupsOf(size: number, groups: number): [number, number][] {
  const count = Math.min(size, groups);
  return Array.from({ length: count }, (_, group) => [
    Math.floor((group * size) / count),
    Math.floor(((group + 1) * size) / count),
  ]);
}
