/** In what the factors of matrix products are held; everything between products, and the products' sums, are float32 always. */
export type Precision = 'float32' | 'bfloat16';

/** What a config takes. */
export const precisionChoices = ['auto', 'float32', 'bfloat16'] as const satisfies readonly (
  'auto' | Precision
)[];
export type PrecisionChoice = (typeof precisionChoices)[number];

let now: Precision = 'float32';

/** What holds at this moment. */
export function precision(): Precision {
  return now;
}

/** Runs `body`, synchronously, with products in `wanted`. Only what goes through `preciseProduct` is affected. */
export function withPrecision<T>(wanted: Precision, body: () => T): T {
  const before = now;
  now = wanted;
  try {
    return body();
  } finally {
    now = before;
  }
}
