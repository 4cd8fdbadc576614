import { bestClass } from './targets.ts';

/** The share of images [N, K] whose largest logit is their label's. */
export function top1Of(logits: ArrayLike<number>, labels: Int32Array, classes: number): number {
  let correct = 0;
  for (const [image, label] of labels.entries()) if (bestClass(logits, image, classes) === label) correct++;
  return correct / labels.length;
}

/** Mean negative log-likelihood of the labels, in nats, of `softmax(logits * sharpness)`. */
export function crossEntropyOf(
  logits: ArrayLike<number>,
  labels: Int32Array,
  classes: number,
  sharpness = 1,
): number {
  let sum = 0;
  for (const [image, label] of labels.entries()) {
    const start = image * classes;
    const largest = logits[start + bestClass(logits, image, classes)]!;
    let total = 0;
    for (let c = 0; c < classes; c++) total += Math.exp(sharpness * (logits[start + c]! - largest));
    sum += Math.log(total) - sharpness * (logits[start + label]! - largest);
  }
  return sum / labels.length;
}

/**
 * The number in [1e-3, 1e3] that logits are best multiplied by (1 / temperature; Guo et al. 2017, section 4.2), by golden
 * sections of its logarithm: the cross-entropy is convex in it, so there is one minimum.
 */
export function bestSharpness(logits: ArrayLike<number>, labels: Int32Array, classes: number): number {
  const at = (log: number): number => crossEntropyOf(logits, labels, classes, Math.exp(log));
  const ratio = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [-Math.log(1000), Math.log(1000)];
  let [a, b] = [high - ratio * (high - low), low + ratio * (high - low)];
  let [atA, atB] = [at(a), at(b)];
  while (high - low > 1e-3) {
    if (atA <= atB) {
      [high, b, atB] = [b, a, atA];
      a = high - ratio * (high - low);
      atA = at(a);
    } else {
      [low, a, atA] = [a, b, atB];
      b = low + ratio * (high - low);
      atB = at(b);
    }
  }
  return Math.exp((low + high) / 2);
}
