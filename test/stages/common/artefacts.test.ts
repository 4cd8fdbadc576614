import assert from 'node:assert/strict';
import { indices, shardRange } from '../../../pipeline/stages/common/artefacts.ts';

describe('the shards of a pass', () => {
  it('cover every item once, in order, with sizes that differ by at most one', () => {
    for (const [count, shards] of [
      [10, 3],
      [7, 7],
      [5, 1],
      [2049, 2],
    ] as const) {
      const ranges = indices(shards).map((shard) => shardRange(count, shard, shards));
      assert.deepEqual(
        ranges.flatMap(({ start, end }) => indices(count).slice(start, end)),
        indices(count),
      );
      const sizes = ranges.map(({ start, end }) => end - start);
      assert.ok(Math.max(...sizes) - Math.min(...sizes) <= 1);
    }
  });
});
