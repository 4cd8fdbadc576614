import assert from 'node:assert/strict';
import { eigen, roots, times, transpose } from '../../pipeline/slicing/spectral.ts';
import { difference, identity, mixedRows, momentsOf, product, transposedOf } from './bases.ts';

const d = 5;
const symmetric = momentsOf(mixedRows(30, d, 1), d);

describe('slicing/spectral', () => {
  it('multiplies and transposes as three loops do, within 1e-12', () => {
    const [a, b] = [mixedRows(4, 3, 1), mixedRows(3, 6, 2)];
    assert.ok(difference(times(a, b, 4, 3, 6), product(a, b, 3)) < 1e-12);
    assert.ok(difference(times(a, transposedOf(b, 6), 4, 3, 6, true), product(a, b, 3)) < 1e-12);
    assert.deepEqual(transpose(a, 4, 3), transposedOf(a, 3));
  });

  it('has orthonormal eigenvectors as rows, the largest value first, which make the matrix again within 1e-12', () => {
    const { values, vectors } = eigen(symmetric, d);
    assert.deepEqual(
      Array.from(values),
      [...values].sort((a, b) => b - a),
    );
    assert.ok(difference(product(vectors, transposedOf(vectors, d), d), identity(d)) < 1e-12);
    const stretched = vectors.map((value, at) => value * values[Math.floor(at / d)]!);
    assert.ok(difference(product(transposedOf(vectors, d), stretched, d), symmetric) < 1e-12);
  });

  it('has roots whose square is the matrix and whose inverse is one, within 1e-9', () => {
    const { root, inverse } = roots(symmetric, d);
    assert.ok(difference(product(root, root, d), symmetric) < 1e-9);
    assert.ok(difference(product(root, inverse, d), identity(d)) < 1e-9);
  });

  it('has finite roots of a matrix without full rank and of zeros, each the inverse of the other within 1e-9', () => {
    const flat = momentsOf(mixedRows(2, d, 4), d);
    for (const matrix of [flat, new Float64Array(d * d)]) {
      const { root, inverse } = roots(matrix, d);
      assert.ok(difference(product(root, root, d), matrix) < 1e-5);
      assert.ok(difference(product(root, inverse, d), identity(d)) < 1e-9);
    }
  });
});
