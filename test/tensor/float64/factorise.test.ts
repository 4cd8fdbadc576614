import assert from 'node:assert/strict';
import { factorise } from '../../../pipeline/tensor/float64/cholesky.ts';
import { invertFactored } from '../../../pipeline/tensor/float64/inverse.ts';
import { block, copyOf, matrix, transposed } from '../../../pipeline/tensor/float64/matrix.ts';
import { multiplyUpper, solveLower, solveUpper } from '../../../pipeline/tensor/float64/triangular.ts';
import { at, largestDifference, naiveProduct, positiveDefinite, randomMatrix } from './matrices.ts';

const sizes = [1, 2, 31, 32, 33, 65, 150];

describe('float64 factorisation', () => {
  for (const n of sizes) {
    it(`n = ${n}: L L' = A + ridge, the inverse inverts, the solves solve`, () => {
      const a = positiveDefinite(n, n);
      const { factor, ridge, ridgeRaised } = factorise(a, 0.01);
      assert.equal(ridge, 0.01);
      assert.equal(ridgeRaised, false);
      const shifted = copyOf(a);
      for (let i = 0; i < n; i++) shifted.data[i * n + i]! += 0.01;
      assert.ok(largestDifference(naiveProduct(factor, transposed(factor)), shifted) < 1e-13);
      assert.equal(
        largestDifference(factor, matrix(n, n), (i, j) => j > i),
        0,
      );

      const b = randomMatrix(n, 70, 5);
      const forward = copyOf(b);
      solveLower(factor, forward);
      assert.ok(largestDifference(naiveProduct(factor, forward), b) < 1e-12);
      const backward = copyOf(b);
      solveUpper(transposed(factor), backward);
      assert.ok(largestDifference(naiveProduct(transposed(factor), backward), b) < 1e-12);
      const multiplied = copyOf(b);
      multiplyUpper(transposed(factor), multiplied);
      assert.ok(largestDifference(multiplied, naiveProduct(transposed(factor), b)) < 1e-12);

      const inverse = copyOf(factor);
      invertFactored(inverse);
      const identity = naiveProduct(shifted, inverse);
      for (let i = 0; i < n; i++) identity.data[i * n + i]! -= 1;
      assert.ok(largestDifference(identity, matrix(n, n)) < 1e-11);
      assert.equal(largestDifference(inverse, transposed(inverse)), 0);
    });
  }

  it('the leading block of the factor is the factor of the leading block', () => {
    const a = positiveDefinite(90, 3);
    const whole = factorise(a, 0.01).factor;
    for (const k of [1, 40, 64, 77]) {
      const part = factorise(block(a, 0, 0, k, k), 0.01).factor;
      assert.ok(largestDifference(block(whole, 0, 0, k, k), part) < 1e-14);
    }
  });

  it('raises the ridge of a matrix that is not positive definite, and says so', () => {
    const n = 40;
    const x = randomMatrix(n, 5, 9);
    const singular = naiveProduct(x, transposed(x));
    for (const matrixOf of [
      singular,
      matrix(n, n),
      matrix(
        n,
        n,
        singular.data.map((v) => -1e-3 * v),
      ),
    ]) {
      const { factor, ridge, ridgeRaised } = factorise(matrixOf, 0);
      assert.equal(ridgeRaised, true);
      assert.ok(ridge > 0);
      assert.ok(factor.data.every(Number.isFinite));
      const product = naiveProduct(factor, transposed(factor));
      assert.ok(Math.abs(at(product, 3, 3) - at(matrixOf, 3, 3) - ridge) < 1e-12);
    }
  });

  it('refuses numbers that are not finite', () => {
    const a = positiveDefinite(40, 3);
    a.data[39 * 40 + 2] = NaN;
    assert.throws(() => factorise(a, 1e-3), /not finite|non-finite/);
    assert.throws(() => factorise(positiveDefinite(3, 1), NaN), /not finite/);
  });
});
