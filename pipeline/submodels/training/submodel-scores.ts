import { restrictLogits } from './subset-outputs.ts';
import type { ClassSubset, HeldOutScores } from './training-task.ts';

/** Sums over images, so that batches can be added up. */
export interface ScoreSums {
  images: number;
  ownImages: number;
  divergence: number;
  right: number;
  ownRight: number;
}

export function noScores(): ScoreSums {
  return { images: 0, ownImages: 0, divergence: 0, right: 0, ownRight: 0 };
}

/**
 * Adds a batch of B images: the sub-model's logits and the teacher's restricted ones [B, M], and the output that is right
 * for each image. An image of another class counts only where an output stands for it. In float64.
 */
export function addScores(
  sums: ScoreSums,
  logits: Float32Array,
  targets: Float32Array,
  right: ArrayLike<number>,
  { classes, other }: ClassSubset,
): void {
  const outputs = classes.length + (other ? 1 : 0);
  for (let row = 0; row < right.length; row++) {
    const label = right[row]!;
    if (label < 0) continue;
    const found = logits.subarray(row * outputs, (row + 1) * outputs);
    const aim = targets.subarray(row * outputs, (row + 1) * outputs);
    sums.images++;
    sums.divergence += divergence(aim, found);
    if (best(found, outputs) === label) sums.right++;
    if (label >= classes.length) continue;
    sums.ownImages++;
    if (best(found, classes.length) === label) sums.ownRight++;
  }
}

export function scoresOf({ images, ownImages, divergence, right, ownRight }: ScoreSums): HeldOutScores {
  return { divergence: divergence / images, ownAccuracy: ownRight / ownImages, accuracy: right / images };
}

/** How a sub-model does on N images, all at once: its logits [N, M], the teacher's [N, K], and the images' classes. */
export function submodelScores(
  logits: Float32Array,
  teacher: Float32Array,
  labels: ArrayLike<number>,
  subset: ClassSubset,
): HeldOutScores {
  const count = teacher.length / labels.length;
  const places = Array.from(labels, (label) => subset.classes.indexOf(label));
  const right = places.map((place) => (place < 0 && subset.other ? subset.classes.length : place));
  const sums = noScores();
  addScores(sums, logits, restrictLogits(teacher, count, subset), right, subset);
  return scoresOf(sums);
}

/** KL(softmax(aim) || softmax(found)) */
function divergence(aim: Float32Array, found: Float32Array): number {
  const [aimOffset, foundOffset] = [logSumExp(aim), logSumExp(found)];
  return aim.reduce((sum, value, i) => {
    const certain = value - aimOffset;
    return sum + Math.exp(certain) * (certain - (found[i]! - foundOffset));
  }, 0);
}

function logSumExp(row: Float32Array): number {
  const highest = row.reduce((a, b) => Math.max(a, b), -Infinity);
  return highest + Math.log(row.reduce((sum, value) => sum + Math.exp(value - highest), 0));
}

/** The first of the highest of the first `count`. */
function best(row: Float32Array, count: number): number {
  const some = row.subarray(0, count);
  return some.indexOf(some.reduce((a, b) => Math.max(a, b), -Infinity));
}
