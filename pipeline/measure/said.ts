import { argMax, logSumExp } from './score-logits.ts';

/** What a model said of every image, in the order of the images: more than `Scores`, for who shows single images. */
export interface Said {
  /** The most likely class: of equal ones the first, as `Scores.correct` has it. */
  readonly chosen: Int32Array;
  /** Of that class. */
  readonly probability: Float32Array;
  readonly labelProbability: Float32Array;
}

/** @param logits [B, C], row-major */
export function saidOf(logits: ArrayLike<number>, labels: ArrayLike<number>, classes: number): Said {
  const images = labels.length;
  const said = {
    chosen: new Int32Array(images),
    probability: new Float32Array(images),
    labelProbability: new Float32Array(images),
  };
  for (let image = 0; image < images; image++) {
    const start = image * classes;
    const offset = logSumExp(logits, start, classes);
    const probabilityOf = (place: number) => Math.exp(logits[start + place]! - offset);
    const chosen = argMax(logits, start, classes);
    said.chosen[image] = chosen;
    said.probability[image] = probabilityOf(chosen);
    said.labelProbability[image] = probabilityOf(labels[image]!);
  }
  return said;
}

/** Of consecutive batches, as one. */
export function mergeSaid(parts: readonly Said[]): Said {
  const images = parts.reduce((sum, { chosen }) => sum + chosen.length, 0);
  const merged = {
    chosen: new Int32Array(images),
    probability: new Float32Array(images),
    labelProbability: new Float32Array(images),
  };
  let offset = 0;
  for (const part of parts) {
    merged.chosen.set(part.chosen, offset);
    merged.probability.set(part.probability, offset);
    merged.labelProbability.set(part.labelProbability, offset);
    offset += part.chosen.length;
  }
  return merged;
}
