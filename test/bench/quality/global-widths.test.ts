import assert from 'node:assert/strict';
import fc from 'fast-check';
import { globalWidths } from '../../../bench/quality/global-widths.ts';

/** Blocks of 1 to 6 groups, and a total between one group each and all of them. */
const cases = fc
  .record({
    multiple: fc.integer({ min: 1, max: 8 }),
    groups: fc.array(fc.integer({ min: 1, max: 6 }), { minLength: 1, maxLength: 6 }),
    share: fc.double({ min: 0, max: 1, noNaN: true }),
    numbers: fc.array(fc.double({ min: -1e3, max: 1e3, noNaN: true }), { minLength: 300, maxLength: 300 }),
  })
  .map(({ multiple, groups, share, numbers }) => {
    let at = 0;
    const scores = groups.map((count) => Float64Array.from(numbers.slice(at, (at += count * multiple))));
    const all = groups.reduce((sum, count) => sum + count, 0);
    const kept = groups.length + Math.round(share * (all - groups.length));
    return { scores, multiple, total: kept * multiple };
  });

describe('globalWidths', () => {
  it('keeps the total exactly, in multiples, at least one of them and no more than there are', () => {
    fc.assert(
      fc.property(cases, ({ scores, multiple, total }) => {
        const widths = globalWidths(scores, { total, multiple });
        assert.equal(
          widths.reduce((a, b) => a + b, 0),
          total,
        );
        widths.forEach((width, block) => {
          assert.equal(width % multiple, 0);
          assert.ok(width >= multiple && width <= scores[block]!.length);
        });
      }),
    );
  });

  it('is nested: a larger total takes nothing away from any block', () => {
    fc.assert(
      fc.property(cases, ({ scores, multiple, total }) => {
        const all = scores.reduce((sum, block) => sum + block.length, 0);
        if (total + multiple > all) return;
        const narrow = globalWidths(scores, { total, multiple });
        const wide = globalWidths(scores, { total: total + multiple, multiple });
        narrow.forEach((width, block) => assert.ok(width <= wide[block]!));
      }),
    );
  });

  it('depends on the ranking alone: not on scale, nor on the order of units', () => {
    fc.assert(
      fc.property(cases, ({ scores, multiple, total }) => {
        const other = scores.map((block) => block.map((score) => 8 * score).reverse());
        assert.deepEqual(globalWidths(other, { total, multiple }), globalWidths(scores, { total, multiple }));
      }),
    );
  });

  it('with multiples of one is the global top of the ranking, but for the unit every block keeps', () => {
    fc.assert(
      fc.property(cases, ({ scores, multiple, total }) => {
        const count = total / multiple;
        const blocks = scores.map((block) => block.slice(0, block.length / multiple));
        const widths = globalWidths(blocks, { total: count, multiple: 1 });
        const sorted = blocks.map((block) => Float64Array.from(block).sort().reverse());
        const kept = sorted.flatMap((block, i) => [...block.slice(1, widths[i])]);
        const gone = sorted.flatMap((block, i) => [...block.slice(widths[i])]);
        assert.ok(Math.min(...kept, Infinity) >= Math.max(...gone, -Infinity));
      }),
    );
  });

  it('rounds to the nearest multiple, by hand', () => {
    // The best 8 of 16: five of the first block, three of the second; 4 is the nearest multiple of both.
    const scores = [Float64Array.of(16, 15, 14, 13, 12, 3, 2, 1), Float64Array.of(11, 10, 9, 8, 7, 6, 5, 4)];
    assert.deepEqual(globalWidths(scores, { total: 8, multiple: 4 }), [4, 4]);
    // The best 8 of these are seven and one.
    const steep = [Float64Array.of(9, 9, 9, 9, 8, 8, 8, 0), Float64Array.of(10, 1, 1, 1, 1, 1, 1, 1)];
    assert.deepEqual(globalWidths(steep, { total: 8, multiple: 2 }), [6, 2]);
  });

  it('refuses totals out of reach', () => {
    const scores = [new Float64Array(8), new Float64Array(8)];
    for (const total of [4, 6, 20]) {
      assert.throws(() => globalWidths(scores, { total, multiple: 4 }), RangeError);
    }
  });
});
