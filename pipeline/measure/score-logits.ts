import type { Scores } from './scores.ts';

/** The teacher's opinion on one batch, in float64 on the host: what every other model is compared with. */
export interface TeacherReference {
  readonly classes: number;
  /** [B * C] */
  readonly probabilities: Float64Array;
  readonly logProbabilities: Float64Array;
  /** [B] */
  readonly best: Int32Array;
}

/** logits: [B, C], row-major. */
export function teacherReference(logits: ArrayLike<number>, classes: number): TeacherReference {
  const logProbabilities = new Float64Array(logits.length);
  const best = new Int32Array(logits.length / classes);
  for (let image = 0; image < best.length; image++) {
    const start = image * classes;
    const offset = logSumExp(logits, start, classes);
    for (let c = 0; c < classes; c++) logProbabilities[start + c] = logits[start + c]! - offset;
    best[image] = argMax(logits, start, classes);
  }
  return { classes, probabilities: logProbabilities.map(Math.exp), logProbabilities, best };
}

/**
 * Per-image scores of one model from its logits [B, C]. On the host in float64: KL of a mild descendant is a sum of a
 * thousand cancelling terms, and 200 kB a batch cost less to read back than a dozen more operations on the engine.
 * Equal logits count against the model (the first class wins; top-5 needs fewer than five others as high), so a dead
 * model with constant outputs scores like one.
 */
export function scoreLogits(
  logits: ArrayLike<number>,
  labels: ArrayLike<number>,
  teacher: TeacherReference,
): Scores {
  const { classes, probabilities, logProbabilities, best } = teacher;
  const images = best.length;
  const correct = new Uint8Array(images);
  const agree = new Uint8Array(images);
  const kl = new Float32Array(images);
  const top5 = classes > 5 ? new Uint8Array(images) : undefined;
  for (let image = 0; image < images; image++) {
    const start = image * classes;
    const label = labels[image]!;
    const chosen = argMax(logits, start, classes);
    correct[image] = chosen === label ? 1 : 0;
    agree[image] = chosen === best[image] ? 1 : 0;
    if (top5 !== undefined) {
      let asHigh = 0;
      for (let c = 0; c < classes; c++) if (logits[start + c]! >= logits[start + label]!) asHigh++;
      top5[image] = asHigh <= 5 ? 1 : 0;
    }
    const offset = logSumExp(logits, start, classes);
    let divergence = 0;
    for (let i = start; i < start + classes; i++) {
      divergence += probabilities[i]! * (logProbabilities[i]! - (logits[i]! - offset));
    }
    // Not negative but for rounding; a NaN stays one, for the sweep to find.
    kl[image] = divergence < 0 ? 0 : divergence;
  }
  return { correct, ...(top5 && { top5 }), agree, kl };
}

export function argMax(values: ArrayLike<number>, start: number, count: number): number {
  let best = 0;
  for (let i = 1; i < count; i++) if (values[start + i]! > values[start + best]!) best = i;
  return best;
}

export function logSumExp(values: ArrayLike<number>, start: number, count: number): number {
  const highest = values[start + argMax(values, start, count)]!;
  let sum = 0;
  for (let i = start; i < start + count; i++) sum += Math.exp(values[i]! - highest);
  return highest + Math.log(sum);
}
