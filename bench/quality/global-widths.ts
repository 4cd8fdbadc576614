export interface GlobalWidthOptions {
  /** Units to keep in all blocks together: a multiple of `multiple`. */
  readonly total: number;
  /** Every width is a multiple of this, and at least this. */
  readonly multiple: number;
}

/**
 * The widths of all blocks when all their units are ranked together by score, highest first, and the best `total` stay.
 *
 * To end at multiples with the total unchanged, units leave and stay in groups: a block's sorted units cut into groups of
 * `multiple`, each as good as its middle unit (so a width is rounded to the nearest multiple of what the ranking alone
 * would give it). The first group of every block stays whatever its score; units beyond the last whole group never do.
 * Ties go to the earlier block.
 *
 * @param scores per block [H_b], in any order
 * @throws RangeError where the total is no multiple, or out of reach
 */
export function globalWidths(
  scores: readonly Float64Array[],
  { total, multiple }: GlobalWidthOptions,
): number[] {
  const groups = scores.map((block) => {
    const sorted = Float64Array.from(block).sort().reverse();
    const middle = Math.ceil(multiple / 2) - 1;
    return Array.from(
      { length: Math.floor(block.length / multiple) },
      (_, g) => sorted[g * multiple + middle]!,
    );
  });
  const wanted = total / multiple;
  const most = groups.reduce((sum, block) => sum + block.length, 0);
  if (!Number.isInteger(wanted) || groups.some(({ length }) => length === 0)) {
    throw new RangeError(`${total} units, or a block, are no multiple of ${multiple}`);
  }
  if (wanted < groups.length || wanted > most) {
    throw new RangeError(
      `${total} units in ${groups.length} blocks of ${multiple} to ${most * multiple} in all`,
    );
  }
  const kept = groups.map(() => 1);
  const rest = groups
    .flatMap((block, index) => block.slice(1).map((score, group) => ({ score, index, group })))
    .sort((a, b) => b.score - a.score || a.index - b.index || a.group - b.group);
  for (const { index } of rest.slice(0, wanted - groups.length)) kept[index]!++;
  return kept.map((count) => count * multiple);
}
