import assert from 'node:assert/strict';
import fc from 'fast-check';
import { rankDescendants, type Candidate, type Ranked } from '../../pipeline/measure/rank.ts';
import { quantile } from '../../pipeline/util/quantile.ts';
import { random } from '../../pipeline/util/random.ts';
import { present } from '../support/present.ts';

/** A descendant with `share` of the teacher's cost, a loss in points with a symmetric interval, and a KL. */
function candidate(block: number, share: number, loss: number, half: number, kl: number): Candidate {
  return {
    id: `block-0${block}/w${String(Math.round(share * 1000)).padStart(4, '0')}`,
    block,
    ...cost(share),
    deltas: {
      average: { top1Pp: { mean: -loss, low: -loss - half, high: -loss + half }, klIncrease: kl },
    },
  };
}
const cost = (share: number) => ({
  params: 1000 * share,
  macs: 1000 * share,
  latencyMs: { p50: share, p90: share },
});
const teacher = [0, 1].map(() => cost(1));
const rank = (items: readonly Candidate[]) => rankDescendants(items, teacher, 'params');
const ids = (items: readonly Ranked[]) => items.map(({ id }) => id);

describe('library/rank', () => {
  it('prices a loss by what it saves', () => {
    // 25 % of the two blocks saved for 1 point; 15 % for 0.9 points; 40 % for 4 points. Sharp intervals.
    const ranked = rank([
      candidate(0, 0.5, 1, 0.01, 0.02),
      candidate(0, 0.7, 0.9, 0.01, 0.01),
      candidate(1, 0.2, 4, 0.01, 0.2),
    ]);
    assert.deepEqual(ids(ranked), ['block-00/w0500', 'block-00/w0700', 'block-01/w0200']);
    assert.deepEqual(
      ranked.map(({ rank }) => rank),
      [1, 2, 1],
    );
    assert.deepEqual(
      ranked.map(({ savedPercent }) => Math.round(savedPercent * 1e9) / 1e9),
      [25, 15, 40],
    );
    assert.ok(Math.abs(present(ranked[0]!.lossPpPerPercent) - 0.04) < 1e-12);
  });

  it('lets KL decide what top-1 cannot', () => {
    const blurred = [candidate(0, 0.5, 0.1, 0.5, 0.03), candidate(1, 0.5, 0.2, 0.5, 0.01)];
    assert.deepEqual(ids(rank(blurred)), ['block-01/w0500', 'block-00/w0500']);
    assert.deepEqual(
      rank(blurred).map(({ tieGroup }) => tieGroup),
      [1, 1],
    );
    const sharp = [candidate(0, 0.5, 0.1, 0.02, 0.03), candidate(1, 0.5, 0.2, 0.02, 0.01)];
    assert.deepEqual(ids(rank(sharp)), ['block-00/w0500', 'block-01/w0500']);
    assert.deepEqual(
      rank(sharp).map(({ tieGroup }) => tieGroup),
      [1, 2],
    );
  });

  it('counts a gain as no loss, and then the one that changes least per saving wins', () => {
    const ranked = rank([candidate(0, 0.5, -0.3, 0.1, 0.02), candidate(0, 0.4, -0.1, 0.05, 0.03)]);
    assert.equal(ranked[0]!.lossPpPerPercent, 0);
    assert.deepEqual(ids(ranked), ['block-00/w0500', 'block-00/w0400']);
  });

  it('puts last what saves nothing', () => {
    const slow = { ...candidate(0, 0.9, 0, 0.1, 0), latencyMs: { p50: 1.2, p90: 1.2 } };
    const ranked = rankDescendants([slow, candidate(0, 0.5, 5, 0.1, 0.5)], teacher, 'latency');
    assert.deepEqual(ids(ranked), ['block-00/w0500', 'block-00/w0900']);
    assert.equal(ranked[1]!.lossPpPerPercent, null);
    assert.ok(ranked[1]!.savedPercent < 0);
  });

  it('marks a descendant that another one beats in accuracy and in every resource', () => {
    const ranked = rank([
      candidate(0, 0.5, 1, 0.1, 0.05),
      candidate(0, 0.6, 1, 0.1, 0.06), // wider, same top-1, larger KL: dominated
      candidate(0, 0.7, 1, 0.1, 0.04), // wider, same top-1, smaller KL: not
      candidate(1, 0.1, 0, 0.1, 0), // another block does not count
    ]);
    const dominated = ranked.filter((item) => item.dominated);
    assert.deepEqual(ids(dominated), ['block-00/w0600']);
    assert.equal(dominated[0]!.dominatedBy, 'block-00/w0500');
  });

  it('calls latencies within their spread equal, so that two runs dominate alike', () => {
    // Widths whose true times are nearly the same, as those of small blocks are; and a narrow one of an awkward size.
    const blocks: [share: number, loss: number, kl: number, milliseconds: number][] = [
      [0.2, 2, 0.3, 1.02],
      [0.5, 1, 0.05, 1.01],
      [0.6, 1, 0.06, 1],
      [0.7, 1, 0.04, 1.03],
      [0.8, 1, 0.04, 1.03],
      [0.1, 0, 0.01, 3],
    ];
    const run = (seed: number): string[] => {
      const draw = random(seed, 'latency');
      const items = blocks.map(([share, loss, kl, milliseconds]) => {
        const times = Float64Array.from(
          { length: 15 },
          () => milliseconds * Math.exp(0.1 * draw.normal()),
        ).sort();
        const latencyMs = { p50: quantile(times, 0.5), p90: quantile(times, 0.9) };
        return { ...candidate(0, share, loss, 0.1, kl), latencyMs };
      });
      return ids(rank(items).filter(({ dominated }) => dominated)).sort();
    };
    for (let seed = 0; seed < 300; seed++)
      assert.deepEqual(run(seed), ['block-00/w0600', 'block-00/w0800'], `seed ${seed}`);
  });

  it('lets a latency that is really lower count', () => {
    const wide = { ...candidate(0, 0.6, 1, 0.1, 0.06), latencyMs: { p50: 1, p90: 1.1 } };
    const narrow = (p50: number, p90: number) => ({
      ...candidate(0, 0.5, 1, 0.1, 0.05),
      latencyMs: { p50, p90 },
    });
    const dominated = (other: Candidate) => rank([wide, other]).some((item) => item.dominated);
    assert.equal(dominated(narrow(1.15, 1.25)), true, 'the ranges meet');
    assert.equal(dominated(narrow(1.25, 1.35)), false, 'slower beyond both spreads');
    assert.equal(dominated(narrow(1.25, 1.5)), true, 'too blurred to tell');
  });

  it('refuses scores that are not numbers', () => {
    assert.throws(() => rank([candidate(0, 0.5, NaN, 0.1, 0)]), /block-00\/w0500: mean is NaN/);
    assert.throws(() => rank([candidate(0, 0.5, 1, 0.1, Infinity)]), /kl is Infinity/);
  });

  it('does not depend on the order given, ranks everything once, and never contradicts separated intervals', () => {
    const arbitrary = fc.array(
      fc.record({
        block: fc.constantFrom(0, 1),
        share: fc.integer({ min: 1, max: 11 }).map((tenths) => tenths / 10),
        loss: fc.integer({ min: -10, max: 40 }).map((tenths) => tenths / 10),
        half: fc.constantFrom(0.01, 0.1, 0.5, 2),
        kl: fc.constantFrom(0, 0.01, 0.02, 0.5),
      }),
      { maxLength: 12 },
    );
    fc.assert(
      fc.property(arbitrary, fc.integer(), (specs, seed) => {
        const items = specs.map(({ block, share, loss, half, kl }, index) => ({
          ...candidate(block, share, loss, half, kl),
          id: `d${index}`,
        }));
        const ranked = rank(items);
        assert.deepEqual(rank(random(seed).shuffle([...items])), ranked);
        assert.deepEqual(
          ranked.map(({ overallRank }) => overallRank),
          items.map((_, index) => index + 1),
        );
        for (const block of [0, 1]) {
          const ranks = ranked.filter((item) => item.block === block).map((item) => item.rank);
          assert.deepEqual(
            ranks.sort((a, b) => a - b),
            ranks.map((_, index) => index + 1),
          );
        }
        const place = new Map(ranked.map((item) => [item.id, item]));
        for (const a of items) {
          for (const b of items) {
            const [ra, rb] = [present(place.get(a.id)), present(place.get(b.id))];
            if (ra.savedPercent <= 0 || rb.savedPercent <= 0) continue;
            const worstOfA = Math.max(0, -a.deltas.average.top1Pp.low) / ra.savedPercent;
            const bestOfB = Math.max(0, -b.deltas.average.top1Pp.high) / rb.savedPercent;
            if (worstOfA < bestOfB) {
              assert.ok(ra.overallRank < rb.overallRank);
              if (a.block === b.block) assert.ok(ra.rank < rb.rank);
            }
          }
        }
        // Domination is a strict order: never mutual, and something in each block always stays.
        for (const block of new Set(items.map((item) => item.block))) {
          assert.ok(ranked.some((item) => item.block === block && !item.dominated));
        }
      }),
      { numRuns: 200, seed: 1 },
    );
  });
});
