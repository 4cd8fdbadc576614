/** Counts of answers by class: `counts[label][answer]`, and how many images each class has. */
export interface Confusion {
  readonly counts: readonly (readonly number[])[];
  readonly images: readonly number[];
}

/** Of every image that was asked about; -1 was not. */
export function confusionOf(
  answers: readonly number[],
  labels: readonly number[],
  classes: number,
): Confusion {
  const counts = Array.from({ length: classes }, () => Array<number>(classes).fill(0));
  const images = Array<number>(classes).fill(0);
  labels.forEach((label, image) => {
    const answer = answers[image]!;
    if (answer < 0) return;
    counts[label]![answer]!++;
    images[label]!++;
  });
  return { counts, images };
}

/** Two classes taken for one another, in either direction. */
export interface ConfusedPair {
  readonly classes: readonly [number, number];
  /** Images of the one that were given the other, first to second and back. */
  readonly before: readonly [number, number];
  readonly after: readonly [number, number];
  /** Of both classes. */
  readonly images: number;
}

/** What is confused most before or after, most first, equal ones in the order of the classes. @param most how many */
export function confusedPairs(before: Confusion, after: Confusion, most: number): ConfusedPair[] {
  const pairs: ConfusedPair[] = [];
  const both = ({ counts }: Confusion, a: number, b: number) => [counts[a]![b]!, counts[b]![a]!] as const;
  for (let a = 0; a < before.images.length; a++) {
    for (let b = a + 1; b < before.images.length; b++) {
      const pair: ConfusedPair = {
        classes: [a, b],
        before: both(before, a, b),
        after: both(after, a, b),
        images: before.images[a]! + before.images[b]!,
      };
      if (worstOf(pair) > 0) pairs.push(pair);
    }
  }
  return pairs.sort((one, other) => worstOf(other) - worstOf(one)).slice(0, most);
}

function worstOf({ before, after }: ConfusedPair): number {
  return Math.max(before[0] + before[1], after[0] + after[1]);
}
