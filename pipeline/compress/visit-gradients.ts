import * as tf from '@tensorflow/tfjs-core';
import { isClassifier, type Architecture } from '../model/architecture.ts';
import type { ModelTensors } from '../model/backbone.ts';
import { backboneOf } from '../model/backbones.ts';
import { blockFeatures, head, walkBlocks } from '../model/encoder.ts';
import { teacherFfn } from '../model/ffn-tensors.ts';
import { blockGradient } from '../model/parts.ts';
import { unitRows } from '../tensor/unit-rows.ts';
import type { Random } from '../util/random.ts';
import { pickRows, rowsIn, type BlockTokens, type TokenRows } from './visit.ts';

/** From logits [B * C] a class per image. */
export type ChooseLabels = (logits: Float32Array, classes: number) => Int32Array;

/** From answers [B, C] the gradient at them, of the same shape. Run inside a tidy. */
export interface SlopeOf {
  readonly slopeOf: (answers: tf.Tensor2D) => tf.Tensor2D;
}

/** What one FFN block sees, makes, and is worth to the model's own answer, on the sampled tokens of a batch. */
export interface BlockGradients extends BlockTokens {
  /**
   * Gradient of the image's log p(label) with respect to the block's output [n, D] (the residual stream after it has the
   * same); of features that of a drawn direction. That at the hidden units is `outputGradient fc2Kernel'`.
   */
  readonly outputGradient: tf.Tensor2D;
}

/**
 * One pass of the teacher forth and back over `pixels` [B, S, S, C] that shows every block, the last one first, to
 * `visit`: its sampled tokens and the gradient of `log p(label)` there, per image (not divided by B). No label is read:
 * `slopeOf` gets the answers [B, C] and gives the gradient there (`drawnSlopes`); or, of a classifier, `chooseLabels` gets the logits
 * [B * C] and names a class per image (`sampleLabels`).
 *
 * Only the residual stream between the layers is kept, [B, T, D] per layer; each layer is run again to go back through
 * it. So the memory is that of one layer's gradient, the cost about four forward passes. `rows` as in `visitBlocks`; the
 * tensors handed to `visit` live until it returns.
 */
export function visitGradients(
  model: ModelTensors,
  pixels: tf.Tensor4D,
  rows: TokenRows,
  choose: ChooseLabels | SlopeOf,
  visit: (block: number, tokens: BlockGradients) => void,
): void {
  const { depth } = model.architecture;
  const slopeOf = typeof choose === 'function' ? slopeOfLabels(choose) : choose.slopeOf;
  const first = backboneOf(model.architecture).embed(model, pixels);
  const streams: tf.Tensor[] = [first];
  let back: tf.Tensor | undefined;
  try {
    const last = walkBlocks(model, tf.clone(first), {
      visit: (block, { output }) => {
        if (block === depth - 1) return [];
        streams.push(output);
        return [output];
      },
    });
    back = tf.tidy(() => {
      const slope = slopeOf(head(model, last));
      return tf.grad((x: tf.Tensor) => head(model, x))(last, slope);
    });
    last.dispose();
    for (let block = depth - 1; block >= 0; block--) {
      const before = streams[block]!;
      streams.pop();
      const after: tf.Tensor = back;
      back = tf.tidy((): tf.Tensor => {
        const ffn = teacherFfn(model, block);
        // Below the first block nothing is wanted, but its own activations are.
        const found =
          block === 0
            ? { ...blockFeatures(model, block, before, ffn), before: tf.scalar(0) }
            : blockGradient(model, block, before, after, ffn);
        const sampled = tf.tensor1d(rowsIn(rows, block), 'int32');
        visit(block, {
          input: pickRows(found['ffn.input'], sampled),
          hidden: pickRows(found['ffn.hidden'], sampled),
          outputGradient: pickRows(after, sampled),
        });
        return found.before;
      });
      tf.dispose([before, after]);
    }
  } finally {
    tf.dispose(streams);
    back?.dispose();
  }
}

/** `d log p(label) / d logits = one-hot - p` */
function slopeOfLabels(chooseLabels: ChooseLabels): SlopeOf['slopeOf'] {
  return (logits) => {
    const classes = logits.shape[1];
    const labels = chooseLabels(logits.dataSync<'float32'>(), classes);
    return tf.sub(tf.oneHot(tf.tensor1d(labels, 'int32'), classes), tf.softmax(logits));
  };
}

/**
 * What `visitGradients` needs of answers so that squared gradients are, in expectation, how far the answer moves: Fisher's
 * information of a classifier, by labels drawn from its own prediction; of features that of their direction `u = f / |f|` under unit noise, by
 * the gradient of `z u` with z drawn from a normal distribution: its square is the second order of `1 - cos`.
 */
export function drawnSlopes(
  architecture: Pick<Architecture, 'answer'>,
  random: (image: number) => Random,
): ChooseLabels | SlopeOf {
  if (isClassifier(architecture)) return (logits, classes) => sampleLabels(logits, classes, random);
  return {
    slopeOf: (answers) => {
      const [images, width] = answers.shape;
      const drawn = new Float32Array(images * width);
      for (let image = 0; image < images; image++) {
        const stream = random(image);
        for (let i = 0; i < width; i++) drawn[image * width + i] = stream.normal();
      }
      const z = tf.tensor2d(drawn, [images, width]);
      return tf.grad((x: tf.Tensor) => tf.sum(tf.mul(unitRows(x), z)))(answers) as tf.Tensor2D;
    },
  };
}

/** A class per image drawn from the teacher's own probabilities: in expectation the gradients make Fisher's matrix. */
export function sampleLabels(
  logits: Float32Array,
  classes: number,
  random: (image: number) => Random,
): Int32Array {
  return Int32Array.from({ length: logits.length / classes }, (_, image) => {
    const row = logits.subarray(image * classes, (image + 1) * classes);
    const highest = row.reduce((a, b) => Math.max(a, b), -Infinity);
    const weights = Float64Array.from(row, (value) => Math.exp(value - highest));
    let left = random(image).next() * weights.reduce((a, b) => a + b, 0);
    const chosen = weights.findIndex((weight) => (left -= weight) < 0);
    // Only rounding leaves a rest.
    return chosen < 0 ? row.indexOf(highest) : chosen;
  });
}
