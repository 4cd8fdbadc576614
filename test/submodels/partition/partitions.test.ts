import fc from 'fast-check';
import assert from 'node:assert/strict';
import { confusionMatrix, symmetricConfusion } from '../../../pipeline/submodels/partition/confusion.ts';
import { confusedPartition } from '../../../pipeline/submodels/partition/confused-partition.ts';
import { balancedSizes, type Partition } from '../../../pipeline/submodels/partition/partition.ts';
import { randomPartition } from '../../../pipeline/submodels/partition/random-partition.ts';
import { random } from '../../../pipeline/util/random.ts';

/** [classes, classes]: neighbours in groups of `group` are confused, the rest hardly. */
function grouped(classes: number, group: number, seed: number): Float64Array {
  const stream = random(seed, 'grouped');
  const groups = stream.shuffle(Array.from({ length: classes }, (_, c) => c % (classes / group)));
  return Float64Array.from({ length: classes ** 2 }, (_, at) => {
    const same = groups[Math.floor(at / classes)] === groups[at % classes];
    return (same ? 0.1 : 0.001) * (1 + 0.1 * stream.next());
  });
}

function requireBalanced(partition: Partition, classes: number, subsets: number): void {
  assert.deepEqual(
    partition.flat().sort((a, b) => a - b),
    Array.from({ length: classes }, (_, c) => c),
  );
  assert.deepEqual(
    partition.map(({ length }) => length).sort((a, b) => b - a),
    balancedSizes(classes, subsets),
  );
  for (const subset of partition)
    assert.deepEqual(
      subset,
      [...subset].sort((a, b) => a - b),
    );
}

/** Every balanced partition's share of confusion within subsets. */
function allShares(confusion: Float64Array, classes: number, subsets: number): number[] {
  const symmetric = symmetricConfusion(confusion, classes);
  const total = symmetric.reduce((a, b) => a + b, 0);
  const sizes = balancedSizes(classes, subsets).join();
  const shares: number[] = [];
  for (let code = 0; code < subsets ** classes; code++) {
    const homes = Array.from({ length: classes }, (_, c) => Math.floor(code / subsets ** c) % subsets);
    const counts = Array.from({ length: subsets }, (_, s) => homes.filter((home) => home === s).length);
    if (counts.sort((a, b) => b - a).join() !== sizes) continue;
    let within = 0;
    symmetric.forEach((value, at) => {
      if (homes[Math.floor(at / classes)] === homes[at % classes]) within += value;
    });
    shares.push(within / total);
  }
  return shares;
}

describe('submodels/partition', () => {
  it('has balanced subsets, each ascending, the same for the same seed, in every way', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 14 }),
        fc.integer({ min: 1, max: 14 }),
        fc.nat(9),
        (k, n, seed) => {
          fc.pre(n <= k);
          const stream = random(seed, 'any');
          const confusion = Float64Array.from({ length: k * k }, () => stream.next());
          requireBalanced(randomPartition(k, n, seed), k, n);
          for (const aim of ['together', 'apart'] as const) {
            const task = { confusion, classes: k, subsets: n, aim, seed };
            requireBalanced(confusedPartition(task).partition, k, n);
            assert.deepEqual(confusedPartition(task), confusedPartition(task));
          }
        },
      ),
      { numRuns: 60, seed: 1 },
    );
    assert.notDeepEqual(randomPartition(20, 4, 1), randomPartition(20, 4, 2));
    assert.throws(() => randomPartition(3, 4, 1), /4 subsets of 3 classes/);
  });

  it('finds groups of classes that are taken for one another, and spreads them', () => {
    const confusion = grouped(40, 10, 3);
    const task = { confusion, classes: 40, subsets: 4, seed: 1 };
    const together = confusedPartition({ ...task, aim: 'together' });
    const apart = confusedPartition({ ...task, aim: 'apart' });
    // 36 / 39 of pairs in a group have weight 0.1, all others 0.001.
    assert.ok(together.withinShare > 0.95, `${together.withinShare}`);
    assert.ok(apart.withinShare < 0.22, `${apart.withinShare}`);
    assert.equal(together.randomShare, (4 * 10 * 9) / (40 * 39));
  });

  it('is as good as trying everything on small cases, and random ones average what is said', () => {
    for (const seed of [1, 2, 3]) {
      const stream = random(seed, 'small');
      const confusion = Float64Array.from({ length: 49 }, () => stream.next() ** 4);
      const shares = allShares(confusion, 7, 3);
      const task = { confusion, classes: 7, subsets: 3, seed };
      const together = confusedPartition({ ...task, aim: 'together' });
      const apart = confusedPartition({ ...task, aim: 'apart' });
      assert.ok(Math.abs(together.withinShare - Math.max(...shares)) < 1e-12);
      assert.ok(Math.abs(apart.withinShare - Math.min(...shares)) < 1e-12);
      const mean = shares.reduce((a, b) => a + b, 0) / shares.length;
      assert.ok(Math.abs(together.randomShare - mean) < 1e-12);
    }
  });

  it('measures confusion as mean probabilities, by class', () => {
    const logits = Float32Array.from([Math.log(3), 0, 0, 0, 0, Math.log(2)]);
    const confusion = confusionMatrix(logits, [0, 0], 3);
    const expected = [(3 / 5 + 1 / 4) / 2, (1 / 5 + 1 / 4) / 2, (1 / 5 + 2 / 4) / 2, 0, 0, 0, 0, 0, 0];
    expected.forEach((value, at) => assert.ok(Math.abs(confusion[at]! - value) < 1e-7));
    const symmetric = symmetricConfusion(confusion, 3);
    assert.equal(symmetric[0], 0);
    assert.equal(symmetric[1], symmetric[3]);
  });

  it('takes five hundred classes in a moment', function () {
    this.timeout(20_000);
    const task = { confusion: grouped(500, 50, 1), classes: 500, subsets: 10, seed: 1, starts: 1 };
    assert.ok(confusedPartition({ ...task, aim: 'together' }).withinShare > 0.8);
  });
});
