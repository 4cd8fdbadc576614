import * as tf from '@tensorflow/tfjs-core';
import type { Tensors } from '../../tensor/optimizer.ts';
import { recorded } from '../../tensor/recorded/recorded.ts';
import { featureScale } from '../training/feature-targets.ts';
import { absenceMap } from './absence-map.ts';
import type { FusionHead } from './fusion-head.ts';
import type { FusionData, FusionTask } from './fusion-task.ts';
import { presentFeatures } from './present-features.ts';
import { standardisedRows } from './standardised.ts';
import { bestClass, labelsOf } from './targets.ts';
import { imputed } from './tower-step.ts';
import { mappedTokens, tokenLoss, type TokenAims, type TokenRules } from './token-loss.ts';
import { trainHead, type TrainedHead } from './train-head.ts';

export type TokenData = FusionData & {
  readonly teacherFeatures: Float32Array;
  readonly teacherLogits: Float32Array;
};

/**
 * Trains a head of the kind `tokens` from where it stands, also with sub-models absent from single images; see `trainHead`.
 * @throws `signal.reason` on abort; BlockForgeError `not-finite`
 */
export async function trainTokens(
  head: FusionHead,
  fit: TokenData,
  { widths, classes, heldOut, settings, seed, signal, onProgress }: FusionTask,
): Promise<TrainedHead> {
  const { tokens } = settings;
  const width = head.mean.length;
  const rows = ({ features, images }: FusionData): Float32Array =>
    Float32Array.from(standardisedRows(head, features, widths, [0, images]).data);
  const examples = { ...fit, x: rows(fit), labels: labelsOf(fit, classes) };
  const rules = { weights: tokens.weights, variance: varianceOf(fit) };
  // Of one alone nothing could be imputed.
  const absence = widths.length > 1 ? tokens.absence : 0;
  const map = tf.tensor2d(absenceMap(head.precision, widths), [width, width]);
  const held = tf.tensor2d(rows(heldOut), [heldOut.images, width]);
  try {
    return await trainHead({
      name: 'tokens',
      images: fit.images,
      layers: head.layers,
      gradients(places, chance, parameters) {
        const count = places.length;
        const x = tf.tensor2d(chosen(examples.x, places, width), [count, width]);
        const present = tf.tensor2d(presentFeatures(count, widths, absence, chance), [count, width]);
        const aims = tokenAims(examples, places, classes);
        const found = tokenGradients({ x, present, map, ...aims }, parameters, rules);
        tf.dispose([x, present, aims.tokens, aims.labels, aims.hard]);
        return found;
      },
      heldOutLogits: (parameters) => mappedTokens(held, parameters).logits,
      heldOutLabels: labelsOf(heldOut, classes),
      classes,
      settings: tokens,
      seed,
      signal,
      onProgress,
    });
  } finally {
    tf.dispose([map, held]);
  }
}

/** Mean over the entries of the teacher's tokens. */
export function varianceOf({ images, teacherFeatures: features, teacherLogits: logits }: TokenData): number {
  const targets = { classes: logits.length / images, width: features.length / images, logits, features };
  const places = Uint32Array.from({ length: images }, (_, place) => place);
  return featureScale(targets, places).deviation ** 2;
}

/** Of the images `places`, from memory. Caller disposes. */
function tokenAims(
  { images, teacherFeatures, teacherLogits, labels }: TokenData & { readonly labels: Int32Array },
  places: Int32Array,
  classes: number,
): TokenAims {
  const width = teacherFeatures.length / images;
  const count = places.length;
  const hot = new Float32Array(count * classes);
  const hard = new Float32Array(count * classes);
  for (const [row, place] of places.entries()) {
    hot[row * classes + labels[place]!] = 1;
    hard[row * classes + bestClass(teacherLogits, place, classes)] = 1;
  }
  return {
    tokens: tf.tensor2d(chosen(teacherFeatures, places, width), [count, width]),
    labels: tf.tensor2d(hot, [count, classes]),
    hard: tf.tensor2d(hard, [count, classes]),
  };
}

function chosen(matrix: Float32Array, places: Int32Array, width: number): Float32Array {
  const rows = new Float32Array(places.length * width);
  for (const [row, place] of places.entries()) {
    rows.set(matrix.subarray(place * width, (place + 1) * width), row * width);
  }
  return rows;
}

/**
 * The batch's loss and its gradient by parameter. Caller disposes both.
 * @param batch x [B, F] standardised; present [B, F], zeros where a feature is to be imputed; map [F, F], `absenceMap`
 */
export function tokenGradients(
  batch: TokenAims & { readonly x: tf.Tensor; readonly present: tf.Tensor; readonly map: tf.Tensor },
  parameters: Tensors,
  rules: TokenRules,
): { readonly loss: tf.Scalar; readonly gradients: Tensors } {
  const names = Object.keys(parameters);
  const { x, present, map, tokens, labels, hard } = batch;
  const [loss, ...grads] = recorded(
    `tokens ${JSON.stringify(rules)} ${names.join()}`,
    [x, present, map, tokens, labels, hard, ...names.map((name) => parameters[name]!)],
    ([x, present, map, tokens, labels, hard, ...values]) => {
      const seen = imputed(x, present, map);
      const { value, grads } = tf.valueAndGrads((...own: tf.Tensor[]) => {
        const byName = Object.fromEntries(names.map((name, index) => [name, own[index]!]));
        return tokenLoss(seen, { tokens, labels, hard }, byName, rules);
      })(values);
      return [value, ...grads];
    },
  );
  return {
    loss: loss as tf.Scalar,
    gradients: Object.fromEntries(names.map((name, index) => [name, grads[index]!])),
  };
}
