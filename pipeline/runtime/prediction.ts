export interface Prediction {
  readonly classIndex: number;
  readonly className: string | null;
  readonly probability: number;
  /** [classes] */
  readonly logits: Float32Array;
}

/** @param logits [B, classes] @param classNames in their order, where they have names */
export function predictionsOf(
  logits: Float32Array,
  classes: number,
  classNames: readonly string[] | null,
): Prediction[] {
  return Array.from({ length: logits.length / classes }, (_, index) => {
    const own = logits.slice(index * classes, (index + 1) * classes);
    const largest = own.reduce((a, b) => Math.max(a, b), -Infinity);
    const classIndex = own.indexOf(largest);
    const probability = 1 / own.reduce((sum, logit) => sum + Math.exp(logit - largest), 0);
    return { classIndex, className: classNames?.[classIndex] ?? null, probability, logits: own };
  });
}
