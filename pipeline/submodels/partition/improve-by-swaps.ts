/**
 * Raises the affinity within subsets, in place: exchanges two classes of different subsets, or moves one from a larger to
 * a smaller subset, as long as that helps; sizes stay balanced. Every pass tries all pairs (Kernighan and Lin 1970, single
 * exchanges only); a pass is K^2 / 2 constant-time trials, as each class's affinity to each subset is kept.
 * @param affinity [K, K] symmetric, diagonal zero
 * @param homes [K] the subset of every class
 */
export function improveBySwaps(affinity: Float64Array, homes: Int32Array, subsets: number): void {
  const classes = homes.length;
  const ties = new Float64Array(classes * subsets);
  const sizes = new Int32Array(subsets);
  let scale = 0;
  for (let i = 0; i < classes; i++) {
    sizes[homes[i]!]!++;
    for (let j = 0; j < classes; j++) {
      const value = affinity[i * classes + j]!;
      ties[i * subsets + homes[j]!]! += value;
      scale += Math.abs(value);
    }
  }
  // Above rounding, so that no two exchanges undo one another for ever.
  const least = 1e-12 * scale;
  const move = (c: number, to: number): void => {
    const from = homes[c]!;
    for (let j = 0; j < classes; j++) {
      const value = affinity[j * classes + c]!;
      ties[j * subsets + from]! -= value;
      ties[j * subsets + to]! += value;
    }
    homes[c] = to;
    sizes[from]!--;
    sizes[to]!++;
  };
  const gainOf = (c: number, to: number): number => ties[c * subsets + to]! - ties[c * subsets + homes[c]!]!;
  for (let isBetter = true; isBetter;) {
    isBetter = false;
    for (let i = 0; i < classes; i++) {
      for (let to = 0; to < subsets; to++) {
        if (sizes[homes[i]!]! > sizes[to]! && gainOf(i, to) > least) {
          move(i, to);
          isBetter = true;
        }
      }
      for (let j = i + 1; j < classes; j++) {
        const [a, b] = [homes[i]!, homes[j]!];
        if (a === b) continue;
        if (gainOf(i, b) + gainOf(j, a) - 2 * affinity[i * classes + j]! <= least) continue;
        move(i, b);
        move(j, a);
        isBetter = true;
      }
    }
  }
}
