import assert from 'node:assert/strict';
import { eigenAbove } from '../../../pipeline/tensor/float64/eigen-above.ts';
import { random } from '../../../pipeline/util/random.ts';

describe('eigenAbove', () => {
  it('solves A v = l v with orthonormal v, also for repeated and zero eigenvalues', () => {
    for (const n of [1, 2, 3, 17, 40]) {
      const numbers = random(n, 'eigen');
      const factor = Float64Array.from({ length: n * 3 }, () => numbers.normal());
      // Rank 3 plus twice the identity: n - 3 equal eigenvalues.
      const a = new Float64Array(n * n);
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) {
          a[i * n + j] =
            (i === j ? 2 : 0) + [0, 1, 2].reduce((s, k) => s + factor[i * 3 + k]! * factor[j * 3 + k]!, 0);
        }
      }
      const { values, vectors } = eigenAbove(a, n, -Infinity);
      assert.equal(values.length, n);
      const some = eigenAbove(a, n, 2.5);
      assert.deepEqual(
        [...some.values],
        [...values].filter((value) => value > 2.5),
      );
      for (let i = 0; i < n; i++) {
        for (let r = 0; r < n; r++) {
          let product = 0;
          let inner = 0;
          for (let c = 0; c < n; c++) {
            product += a[r * n + c]! * vectors[i * n + c]!;
            inner += vectors[i * n + c]! * vectors[r * n + c]!;
          }
          assert.ok(Math.abs(product - values[i]! * vectors[i * n + r]!) < 1e-10 * n);
          assert.ok(Math.abs(inner - (i === r ? 1 : 0)) < 1e-11 * n);
        }
      }
    }
    assert.deepEqual([...eigenAbove(new Float64Array(9), 3, -1).values], [0, 0, 0]);
    assert.throws(() => eigenAbove(new Float64Array(8), 3, 0), RangeError);
  });

  it('says so when the matrix is not finite', () => {
    assert.throws(() => eigenAbove(new Float64Array(16).fill(NaN), 4, 0), /did not converge/);
  });
});
