import * as tf from '@tensorflow/tfjs-core';
import type { Voter } from './feature-judge.ts';
import { neighbours, voteTemperature } from './vote-settings.ts';

/** What features are compared with: rows [n, F] of length 1 and the class of each. */
export interface FeatureIndex {
  /** F */
  readonly width: number;
  readonly classes: number;
  /** [n * F] */
  readonly features: Float32Array;
  /** [n] */
  readonly labels: Int32Array;
}

/**
 * k nearest neighbours by cosine, each of which votes for its class with the weight `exp(cos / temperature)` (Wu et al. 2018,
 * section 3.4, as DINO uses it). Fewer than k where the index is smaller.
 */
export function nearestNeighbours(index: FeatureIndex, k = neighbours): Voter {
  const { classes, labels } = index;
  return voterOf(index, (cosines, votes) => {
    const nearest = largest(cosines, Math.min(k, cosines.length));
    // The nearest weighs 1: large weights overflow at no temperature.
    const most = cosines[nearest[0]!]!;
    let sum = 0;
    for (const place of nearest) {
      const weight = Math.exp((cosines[place]! - most) / voteTemperature);
      votes[labels[place]!]! += weight;
      sum += weight;
    }
    for (let c = 0; c < classes; c++) votes[c]! /= sum;
  });
}

/** CLIP's temperature, at which its text embeddings were trained (Radford et al. 2021, section 2.5: logits are scaled by 100). */
const zeroShotTemperature = 0.01;

/** The class whose embedding is nearest by cosine. The index has one row for each class. */
export function zeroShot(index: FeatureIndex): Voter {
  const { classes, labels } = index;
  return voterOf(index, (cosines, votes) => {
    const most = cosines.reduce((a, b) => Math.max(a, b), -Infinity);
    let sum = 0;
    for (let row = 0; row < cosines.length; row++) {
      const weight = Math.exp((cosines[row]! - most) / zeroShotTemperature);
      votes[labels[row]!]! += weight;
      sum += weight;
    }
    for (let c = 0; c < classes; c++) votes[c]! /= sum;
  });
}

/** `count` puts the votes of one image, [classes] zeros, by its cosines to the index's rows. */
function voterOf(
  { width, classes, features, labels }: FeatureIndex,
  count: (cosines: Float32Array, votes: Float64Array) => void,
): Voter {
  const rows = labels.length;
  const index = tf.tensor2d(features, [rows, width]);
  return {
    classes,
    vote(unit) {
      const images = unit.length / width;
      const product = tf.tidy(() =>
        tf.matMul(tf.tensor2d(Float32Array.from(unit), [images, width]), index, false, true),
      );
      // Not inside the tidy, which would walk through all the numbers that it returns.
      const cosines = product.dataSync<'float32'>();
      product.dispose();
      const votes = new Float64Array(images * classes);
      for (let image = 0; image < images; image++) {
        count(
          cosines.subarray(image * rows, (image + 1) * rows),
          votes.subarray(image * classes, (image + 1) * classes),
        );
      }
      return votes;
    },
    dispose: () => index.dispose(),
  };
}

/** Places of the `count` largest values, largest first, of equal ones the first: one pass, as `count` is small. */
function largest(values: Float32Array, count: number): number[] {
  const places: number[] = [];
  for (let place = 0; place < values.length; place++) {
    const value = values[place]!;
    if (places.length === count && !(value > values[places[count - 1]!]!)) continue;
    let at = places.length;
    while (at > 0 && value > values[places[at - 1]!]!) at--;
    places.splice(at, 0, place);
    if (places.length > count) places.pop();
  }
  return places;
}
