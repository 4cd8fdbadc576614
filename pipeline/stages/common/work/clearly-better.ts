/**
 * Whether one of two ways to look at the same images is right clearly more often, and not by luck: at least twice as many
 * images speak for it as against it, and that many would do so by chance with a probability below `level` (the sign test,
 * exact: McNemar, Psychometrika 12, 1947). Images that both get right, or neither, say nothing.
 * @param gains images that only this one gets right
 * @param losses images that only the other gets right
 */
export function clearlyBetter(gains: number, losses: number, level: number): boolean {
  return gains >= 2 * losses && upperTail(gains, gains + losses) < level;
}

/** P(X >= k) for X binomial (n, 1/2). */
function upperTail(k: number, n: number): number {
  let logTerm = -n * Math.LN2;
  let sum = 0;
  for (let i = 0; i <= n; i++) {
    if (i >= k) sum += Math.exp(logTerm);
    logTerm += Math.log((n - i) / (i + 1));
  }
  return sum;
}

/** Images that `mine` gets right and `theirs` does not, and the other way round. */
export function discordant(
  labels: ArrayLike<number>,
  mine: (image: number) => number,
  theirs: (image: number) => number,
): { readonly gains: number; readonly losses: number } {
  let gains = 0;
  let losses = 0;
  for (let image = 0; image < labels.length; image++) {
    const [right, otherRight] = [mine(image) === labels[image], theirs(image) === labels[image]];
    if (right && !otherRight) gains++;
    else if (otherRight && !right) losses++;
  }
  return { gains, losses };
}
