import { eigen, roots, times, transpose } from './spectral.ts';

/** Invertible changes of basis inside one head, [d, d] each: `q' = q query`, `k' = k key`, `query key' = 1`. */
export interface KeyBasis {
  readonly query: Float64Array;
  readonly key: Float64Array;
}

/**
 * The basis of queries and keys whose first r directions give, for every r, the logits `q k'` nearest to the whole ones over
 * independent tokens: the singular vectors of `Sq^(1/2) Sk^(1/2)`, Sq and Sk the second moments of queries and of keys (these
 * centred within their image: what all keys share, softmax does not see). Our derivation: `E |q (1 - M) k'|^2 =
 * |Sq^(1/2) (1 - M) Sk^(1/2)|^2` is least, by Eckart and Young, where M keeps the leading singular directions.
 */
export function keyBasis(queries: Float64Array, keys: Float64Array, d: number): KeyBasis {
  const a = roots(queries, d);
  const c = roots(keys, d);
  const product = times(a.root, c.root, d, d, d);
  const { values, vectors } = eigen(times(transpose(product, d, d), product, d, d, d), d);
  const singular = values.map((value) => Math.sqrt(Math.max(value, 1e-20 * values[0]!, Number.MIN_VALUE)));
  const right = transpose(vectors, d, d);
  const left = times(product, right, d, d, d);
  const spread = (basis: Float64Array, power: number): Float64Array =>
    basis.map((value, at) => value * singular[at % d]! ** power);
  // left is U s: over the root of s it is U s^(1/2).
  return {
    query: times(a.inverse, spread(left, -0.5), d, d, d),
    key: times(c.inverse, spread(right, 0.5), d, d, d),
  };
}

/** An invertible change of basis of a head's values, [d, d] each: `v' = v down`, its rows of the projection become `up Wp`. */
export interface ValueBasis {
  readonly down: Float64Array;
  readonly up: Float64Array;
}

/**
 * The basis of a head's outputs whose first r directions give, for every r, the most of what the head adds to the stream.
 * @param outputs covariance of the head's outputs [d, d]
 * @param projected `Wp M Wp'` [d, d], of the head's rows Wp of the projection and the metric M of the stream
 */
export function valueBasis(outputs: Float64Array, projected: Float64Array, d: number): ValueBasis {
  const { root, inverse } = roots(outputs, d);
  const { vectors } = eigen(times(times(root, projected, d, d, d), root, d, d, d), d);
  return { down: times(inverse, vectors, d, d, d, true), up: times(vectors, root, d, d, d) };
}
