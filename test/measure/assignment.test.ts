import assert from 'node:assert/strict';
import { bestAssignment } from '../../pipeline/measure/assignment.ts';
import { random } from '../../pipeline/util/random.ts';

describe('the best assignment', () => {
  const total = (gains: ArrayLike<number>, columns: ArrayLike<number>, n: number) =>
    Array.from({ length: n }, (_, row) => gains[row * n + columns[row]!]!).reduce((a, b) => a + b, 0);
  const permutations = (n: number): number[][] =>
    n === 0
      ? [[]]
      : permutations(n - 1).flatMap((rest) =>
          Array.from({ length: n }, (_, at) => rest.toSpliced(at, 0, n - 1)),
        );

  it('is that of trying them all', () => {
    for (let n = 0; n <= 6; n++) {
      for (let seed = 0; seed < 30; seed++) {
        const stream = random(seed, 'assignment', n);
        // Small integers, with ties.
        const gains = Array.from({ length: n * n }, () => stream.integer(7) - 3);
        const columns = bestAssignment(gains, n);
        assert.deepEqual(
          [...columns].sort((a, b) => a - b),
          Array.from({ length: n }, (_, i) => i),
        );
        const best = Math.max(...permutations(n).map((one) => total(gains, one, n)));
        assert.equal(total(gains, columns, n), best);
      }
    }
  });

  it('of several hundred classes undoes a shuffle', () => {
    const n = 300;
    const shuffled = random(1, 'assignment').shuffle(Array.from({ length: n }, (_, i) => i));
    const gains = new Float64Array(n * n);
    shuffled.forEach((column, row) => (gains[row * n + column] = 1));
    assert.deepEqual([...bestAssignment(gains, n)], shuffled);
  });

  it('is of square tables', () => assert.throws(() => bestAssignment([1, 2, 3], 2), RangeError));
});
