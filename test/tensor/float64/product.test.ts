import assert from 'node:assert/strict';
import { block, copyOf, matrix, mirrorLower, transposed } from '../../../pipeline/tensor/float64/matrix.ts';
import { addProduct } from '../../../pipeline/tensor/float64/product.ts';
import { largestDifference, naiveProduct, randomMatrix } from './matrices.ts';

describe('float64 product', () => {
  for (const [m, k, n] of [
    [1, 1, 1],
    [3, 5, 2],
    [17, 33, 29],
    [64, 64, 64],
    [130, 300, 67],
    [41, 257, 530],
  ] as const) {
    it(`equals the triple loop for ${m} x ${k} x ${n}, with every transposition`, () => {
      const left = randomMatrix(m, k, 1);
      const right = randomMatrix(k, n, 2);
      const expected = naiveProduct(left, right);
      const start = randomMatrix(m, n, 3);
      for (const a of [left, transposed(copyOf(transposed(left)))]) {
        for (const b of [right, transposed(copyOf(transposed(right)))]) {
          for (const target of [copyOf(start), transposed(copyOf(transposed(start)))]) {
            addProduct(target, -0.5, a, b);
            const reference = matrix(
              m,
              n,
              expected.data.map((value, i) => start.data[i]! - 0.5 * value),
            );
            // Sums of k products of normal numbers, in another order: a few ulps of sqrt(k).
            assert.ok(largestDifference(target, reference) < 1e-15 * 16 * Math.sqrt(k));
          }
        }
      }
    });
  }

  it('writes only inside the block it is given', () => {
    const whole = matrix(50, 60);
    const left = randomMatrix(20, 40, 1);
    const right = randomMatrix(40, 31, 2);
    addProduct(block(whole, 7, 9, 20, 31), 1, left, right);
    const expected = matrix(50, 60);
    const product = naiveProduct(left, right);
    for (let i = 0; i < 20; i++) {
      expected.data.set(product.data.subarray(i * 31, (i + 1) * 31), (7 + i) * 60 + 9);
    }
    assert.ok(largestDifference(whole, expected) < 1e-13);
  });

  it('lowerOnly gives the lower triangle and leaves what is right of the diagonal tiles', () => {
    for (const n of [33, 150, 700]) {
      const x = randomMatrix(n, 40, 4);
      const target = matrix(n, n);
      addProduct(target, 1, x, transposed(x), { lowerOnly: true });
      const expected = naiveProduct(x, transposed(x));
      assert.ok(largestDifference(target, expected, (i, j) => j <= i) < 1e-13);
      assert.equal(
        largestDifference(target, matrix(n, n), (i, j) => j > i + 3),
        0,
      );
      mirrorLower(target);
      assert.ok(largestDifference(target, expected) < 1e-13);
    }
  });

  it('rejects shapes that do not fit', () => {
    assert.throws(() => addProduct(matrix(2, 2), 1, matrix(2, 3), matrix(2, 2)), RangeError);
    assert.throws(() => block(matrix(3, 3), 1, 1, 3, 1), RangeError);
  });
});
