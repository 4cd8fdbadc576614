/** How well predicted losses meet measured ones over a set of compositions. Losses in percentage points. */
export interface PredictionErrors {
  readonly compositions: number;
  /** Rank correlation; null for fewer than three compositions, or where one side is constant. */
  readonly spearman: number | null;
  readonly meanAbsoluteErrorPp: number | null;
  readonly maxAbsoluteErrorPp: number | null;
}

/** Below this measured loss a composition is one that someone might deploy. */
export const mildLossPp = 10;

export function predictionErrors(
  predicted: readonly number[],
  measured: readonly number[],
): PredictionErrors {
  const compositions = measured.length;
  const errors = measured.map((loss, index) => Math.abs(predicted[index]! - loss));
  return {
    compositions,
    spearman: compositions < 3 ? null : spearman(predicted, measured),
    meanAbsoluteErrorPp:
      compositions === 0 ? null : errors.reduce((sum, error) => sum + error, 0) / compositions,
    maxAbsoluteErrorPp: compositions === 0 ? null : Math.max(...errors),
  };
}

/** Over all compositions, and over those whose measured loss is below `mildLossPp`. */
export function additivityErrors(
  predicted: readonly number[],
  measured: readonly number[],
): { readonly all: PredictionErrors; readonly mild: PredictionErrors } {
  const mild = measured.flatMap((loss, index) => (loss < mildLossPp ? [index] : []));
  return {
    all: predictionErrors(predicted, measured),
    mild: predictionErrors(
      mild.map((index) => predicted[index]!),
      mild.map((index) => measured[index]!),
    ),
  };
}

/** Spearman's rank correlation: Pearson's over ranks, equal values sharing their mean rank. Null if one is constant. */
export function spearman(a: readonly number[], b: readonly number[]): number | null {
  const [x, y] = [ranks(a), ranks(b)];
  const centre = (a.length - 1) / 2;
  const product = (u: readonly number[], v: readonly number[]) =>
    u.reduce((sum, value, i) => sum + (value - centre) * (v[i]! - centre), 0);
  const scale = Math.sqrt(product(x, x) * product(y, y));
  return scale === 0 ? null : product(x, y) / scale;
}

function ranks(values: readonly number[]): number[] {
  return values.map((value) => {
    let below = 0;
    let equal = 0;
    for (const other of values) {
      if (other < value) below++;
      else if (other === value) equal++;
    }
    return below + (equal - 1) / 2;
  });
}
