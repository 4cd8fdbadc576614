import type { ClassSubset } from './training-task.ts';

/** Outputs of a sub-model: one per class of its own, and one for all others where it has that. */
export function outputCount({ classes, other }: ClassSubset): number {
  return classes.length + (other ? 1 : 0);
}

/** Of each of the data's `count` classes the output that stands for it; -1 where none does. */
export function outputsOf({ classes, other }: ClassSubset, count: number): Int32Array {
  const outputs = new Int32Array(count).fill(other ? classes.length : -1);
  classes.forEach((label, output) => (outputs[label] = output));
  return outputs;
}

/**
 * A teacher's logits [N, K] -> [N, outputs]: those of the sub-model's classes as they are, and for the others
 * `log sum exp` of theirs, so that the softmax of the result is exactly the teacher's probability of each class of its own
 * and of "another one". Sums in float64.
 */
export function restrictLogits(logits: Float32Array, count: number, subset: ClassSubset): Float32Array {
  const outputs = outputCount(subset);
  const rows = logits.length / count;
  const others = Array.from(outputsOf(subset, count).entries()).flatMap(([label, output]) =>
    output === subset.classes.length ? [label] : [],
  );
  const restricted = new Float32Array(rows * outputs);
  for (let row = 0; row < rows; row++) {
    const from = row * count;
    subset.classes.forEach((label, output) => (restricted[row * outputs + output] = logits[from + label]!));
    if (!subset.other) continue;
    let highest = -Infinity;
    for (const label of others) highest = Math.max(highest, logits[from + label]!);
    let sum = 0;
    for (const label of others) sum += Math.exp(logits[from + label]! - highest);
    restricted[row * outputs + subset.classes.length] = highest + Math.log(sum);
  }
  return restricted;
}
