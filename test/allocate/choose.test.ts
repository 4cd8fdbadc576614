import assert from 'node:assert/strict';
import fc from 'fast-check';
import { choose, explainMisfit, sumUp, type Blocks, type Chosen } from '../../pipeline/allocate/choose.ts';
import { random } from '../../pipeline/util/random.ts';

/** Every choice there is. */
function all(blocks: Blocks, resources: number): Chosen[] {
  let choices: number[][] = [[]];
  for (const options of blocks)
    choices = choices.flatMap((choice) => options.map((_, index) => [...choice, index]));
  return choices.map((choice) => sumUp(blocks, choice, resources));
}

const fits = (limits: readonly number[]) => (item: Chosen) =>
  item.uses.every((use, resource) => use <= limits[resource]!);
const byCost = (a: Chosen, b: Chosen) => a.cost - b.cost;

// Halves and few distinct values: sums are exact, ties and dominated options common, costs and uses also negative.
const coarse = (resources: number) =>
  fc.record({
    cost: fc.integer({ min: -4, max: 12 }).map((half) => half / 2),
    uses: fc.array(fc.integer({ min: -1, max: 8 }), { minLength: resources, maxLength: resources }),
  });
const fine = (resources: number) =>
  fc.record({
    cost: fc.integer({ min: -999, max: 9999 }).map((part) => part / 3331),
    uses: fc.array(
      fc.integer({ min: 0, max: 9999 }).map((part) => part / 9973),
      { minLength: resources, maxLength: resources },
    ),
  });
const problem = (option: typeof coarse, top: number) =>
  fc.integer({ min: 0, max: 4 }).chain((resources) =>
    fc.record({
      blocks: fc.array(fc.array(option(resources), { minLength: 1, maxLength: 4 }), {
        minLength: 1,
        maxLength: 5,
      }),
      limits: fc.array(
        fc.integer({ min: 1, max: 20 }).map((part) => (part * top) / 20),
        {
          minLength: resources,
          maxLength: resources,
        },
      ),
    }),
  );

describe('allocate/choose', () => {
  for (const [name, option, top, tolerance] of [
    ['ties and negative numbers', coarse, 20, 0],
    ['real numbers', fine, 3, 1e-11],
  ] as const) {
    it(`finds what trying everything finds: ${name}`, () => {
      fc.assert(
        fc.property(problem(option, top), fc.integer({ min: 1, max: 6 }), ({ blocks, limits }, count) => {
          const expected = all(blocks, limits.length).filter(fits(limits)).sort(byCost).slice(0, count);
          const found = choose(blocks, limits, count);
          assert.equal(found.length, expected.length);
          found.forEach(({ cost }, place) => assert.ok(Math.abs(cost - expected[place]!.cost) <= tolerance));
          assert.equal(new Set(found.map(({ choice }) => choice.join())).size, found.length);
          for (const item of found) {
            assert.ok(fits(limits.map((limit) => limit + tolerance))(item));
            assert.deepEqual(item, sumUp(blocks, item.choice, limits.length));
          }
        }),
        { numRuns: 200, seed: 1 },
      );
    });

    it(`finds the least excess where nothing fits: ${name}`, () => {
      fc.assert(
        fc.property(problem(option, top / 4), ({ blocks, limits }) => {
          if (limits.length === 0) return;
          const everything = all(blocks, limits.length);
          const excess = ({ uses }: Chosen) => Math.max(...uses.map((use, i) => use / limits[i]! - 1));
          const smallest = Math.min(...everything.map(excess));
          const { nearest, least, unattainable } = explainMisfit(blocks, limits);
          assert.ok(nearest !== null && Math.abs(nearest.excess - smallest) < 1e-9);
          assert.ok(excess(nearest.chosen) <= smallest + 1e-9);
          const cheapest = everything.filter((item) => excess(item) <= smallest + 1e-9).sort(byCost)[0]!;
          assert.ok(Math.abs(nearest.chosen.cost - cheapest.cost) < 1e-9);
          const expected = limits.map((_, i) => Math.min(...everything.map(({ uses }) => uses[i]!)));
          least.forEach((value, i) => assert.ok(Math.abs(value - expected[i]!) < 1e-12));
          assert.deepEqual(
            unattainable,
            limits.flatMap((limit, i) => (least[i]! > limit ? [i] : [])),
          );
        }),
        { numRuns: 120, seed: 2 },
      );
    });
  }

  it('leaves firm limits where they are', () => {
    fc.assert(
      fc.property(problem(coarse, 6), ({ blocks, limits }) => {
        if (limits.length < 2) return;
        const open = all(blocks, limits.length).filter(({ uses }) => uses[0]! <= limits[0]!);
        const { nearest } = explainMisfit(blocks, limits, new Set([0]));
        if (open.length === 0) {
          assert.equal(nearest, null);
          return;
        }
        const excess = ({ uses }: Chosen) =>
          Math.max(...uses.slice(1).map((use, i) => use / limits[i + 1]! - 1));
        assert.ok(nearest !== null && nearest.chosen.uses[0]! <= limits[0]!);
        assert.ok(Math.abs(nearest.excess - Math.min(...open.map(excess))) < 1e-9);
      }),
      { numRuns: 120, seed: 3 },
    );
  });

  it('agrees with trying everything where each option uses the same of all resources but one', () => {
    // As in a library: parameters, multiply-adds and bytes grow with the width, latency is measured.
    const draw = random(5, 'choose');
    for (let run = 0; run < 10; run++) {
      const blocks = Array.from({ length: 5 }, () =>
        Array.from({ length: 5 }, (_, level) => {
          const width = 64 * (level + 1);
          return {
            cost: (4 - level) * draw.next(),
            uses: [385 * width + 192, 75_648 * width, 1540 * width + 1024, width * (1 + 0.2 * draw.next())],
          };
        }),
      );
      const limits = [385 * 1000 + 5 * 192, 75_648 * 990, 1540 * 1050 + 5 * 1024, 1000];
      const expected = all(blocks, 4).filter(fits(limits)).sort(byCost)[0]!;
      const found = choose(blocks, limits)[0]!;
      assert.ok(Math.abs(found.cost - expected.cost) < 1e-12 && fits(limits)(found));
    }
  });

  it('says that nothing fits, needs nothing for no blocks, and has no choice without options', () => {
    assert.deepEqual(choose([[{ cost: 0, uses: [5] }]], [4]), []);
    assert.deepEqual(choose([], [4]), [{ choice: [], cost: 0, uses: [0] }]);
    assert.deepEqual(choose([[], [{ cost: 0, uses: [1] }]], [4]), []);
    assert.deepEqual(choose([[{ cost: 2, uses: [5] }]], [Infinity]), [{ choice: [0], cost: 2, uses: [5] }]);
    assert.equal(explainMisfit([[{ cost: 0, uses: [5] }]], [4]).nearest?.excess, 0.25);
  });

  it('refuses what it cannot add up', () => {
    assert.throws(() => choose([[{ cost: 0, uses: [NaN] }]], [1]), /block 0, option 0: NaN/);
    assert.throws(() => choose([[{ cost: 0, uses: [1, 2] }]], [1]), /2 uses for 1 limits/);
    assert.throws(() => explainMisfit([[{ cost: 0, uses: [1] }]], [0]), /limit 0: 0/);
  });

  it('is not slowed down by blocks that are all alike', () => {
    const block = Array.from({ length: 10 }, (_, level) => ({
      cost: (9 - level) ** 2,
      uses: [level, 1.5 * level],
    }));
    const started = performance.now();
    const found = choose(
      Array.from({ length: 48 }, () => block),
      [200, 310],
    )[0]!;
    assert.ok(performance.now() - started < 3000);
    // Convex costs: the most even split of 200 over 48 blocks, 8 of 5 and 40 of 4.
    assert.equal(found.cost, 8 * 16 + 40 * 25);
  });
});
