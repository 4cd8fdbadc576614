import assert from 'node:assert/strict';
import { keyBasis, valueBasis } from '../../pipeline/slicing/head-bases.ts';
import { eigen, roots } from '../../pipeline/slicing/spectral.ts';
import { difference, identity, invertible, mixedRows, momentsOf, product, transposedOf } from './bases.ts';

const [d, tokens, width] = [5, 24, 7];
const queries = mixedRows(tokens, d, 1);
const keys = mixedRows(tokens, d, 2);
const outputs = mixedRows(tokens, d, 3);
const projection = mixedRows(d, width, 4);
const metric = momentsOf(mixedRows(40, width, 5), width);
const seeds = Array.from({ length: 20 }, (_, seed) => 10 + seed);

/** What leaves of `there back` [d, d] only the first `rank` directions in between. */
function through(there: Float64Array, back: Float64Array, rank: number): Float64Array {
  const kept = there.map((value, at) => (at % d < rank ? value : 0));
  return product(kept, back, d);
}

/** Mean over all pairs of the squared difference that `middle` makes to the logits, by its definition. */
function logitsError(middle: Float64Array): number {
  const whole = product(queries, transposedOf(keys, d), d);
  const found = product(product(queries, middle, d), transposedOf(keys, d), d);
  return whole.reduce((sum, value, at) => sum + (value - found[at]!) ** 2, 0) / whole.length;
}

/** Mean over the tokens of `e M e'`, e what `middle` changes of what the head adds to the stream. */
function outputError(middle: Float64Array): number {
  const left = product(outputs, middle, d);
  const changed = outputs.map((value, at) => value - left[at]!);
  const error = product(changed, projection, d);
  const inMetric = product(error, metric, width);
  return error.reduce((sum, value, at) => sum + value * inMetric[at]!, 0) / tokens;
}

describe('slicing/head-bases', () => {
  const [sq, sk] = [momentsOf(queries, d), momentsOf(keys, d)];

  it('of keys undoes in the keys what it does to the queries, within 1e-9', () => {
    const { query, key } = keyBasis(sq, sk, d);
    assert.ok(difference(product(query, transposedOf(key, d), d), identity(d)) < 1e-9);
  });

  it('of keys errs at every rank by the squared singular values that it leaves out, within 1e-9 of all', () => {
    const { query, key } = keyBasis(sq, sk, d);
    const half = roots(sq, d).root;
    const squares = eigen(product(product(half, sk, d), half, d), d).values;
    const all = logitsError(new Float64Array(d * d));
    for (let rank = 0; rank <= d; rank++) {
      const left = squares.slice(rank).reduce((sum, value) => sum + value, 0);
      const error = logitsError(through(query, transposedOf(key, d), rank));
      assert.ok(Math.abs(error - left) < 1e-9 * all, `rank ${rank}: ${error} against ${left}`);
    }
  });

  it('of keys errs less at every rank than any of twenty other bases', () => {
    const { query, key } = keyBasis(sq, sk, d);
    for (let rank = 1; rank < d; rank++) {
      const least = logitsError(through(query, transposedOf(key, d), rank));
      for (const seed of seeds) {
        const other = invertible(d, seed);
        assert.ok(least < logitsError(through(other.basis, other.inverse, rank)), `rank ${rank}`);
      }
    }
  });

  it('of keys is finite, and undone within 1e-6, where a dimension is never used', () => {
    const flat = queries.map((value, at) => (at % d === 2 ? 0 : value));
    for (const moments of [momentsOf(flat, d), new Float64Array(d * d)]) {
      const { query, key } = keyBasis(moments, sk, d);
      assert.ok(difference(product(query, transposedOf(key, d), d), identity(d)) < 1e-6);
    }
  });

  // The outputs' second moments stand for their covariance: what is cut of the mean, a bias makes up for.
  const covariance = momentsOf(outputs, d);
  const projected = product(product(projection, metric, width), transposedOf(projection, width), width);

  it('of values undoes in the projection what it does to the values, within 1e-9', () => {
    const { down, up } = valueBasis(covariance, projected, d);
    assert.ok(difference(product(down, up, d), identity(d)) < 1e-9);
  });

  it('of values errs at every rank by the eigenvalues that it leaves out, and least of twenty bases', () => {
    const { down, up } = valueBasis(covariance, projected, d);
    const half = roots(covariance, d).root;
    const { values } = eigen(product(product(half, projected, d), half, d), d);
    const all = outputError(new Float64Array(d * d));
    for (let rank = 0; rank <= d; rank++) {
      const left = values.slice(rank).reduce((sum, value) => sum + value, 0);
      const error = outputError(through(down, up, rank));
      assert.ok(Math.abs(error - left) < 1e-9 * all, `rank ${rank}: ${error} against ${left}`);
      if (rank === 0 || rank === d) continue;
      for (const seed of seeds) {
        const other = invertible(d, seed);
        assert.ok(error < outputError(through(other.basis, other.inverse, rank)), `rank ${rank}`);
      }
    }
  });

  it('of values is undone within 1e-6 where nothing depends on the head', () => {
    const { down, up } = valueBasis(covariance, new Float64Array(d * d), d);
    assert.ok(difference(product(down, up, d), identity(d)) < 1e-6);
  });
});
