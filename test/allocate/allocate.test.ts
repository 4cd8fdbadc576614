import assert from 'node:assert/strict';
import fc from 'fast-check';
import { allocate, paretoFront, type Allocation, type Choice } from '../../pipeline/allocate/allocate.ts';
import { random } from '../../pipeline/util/random.ts';
import { present } from '../support/present.ts';

/** Every allocation there is, in the order of their choices. */
function all(choices: readonly (readonly Choice[])[]): Allocation[] {
  let found: Allocation[] = [{ choice: [], cost: 0, resource: 0 }];
  for (const options of choices) {
    found = found.flatMap(({ choice, cost, resource }) =>
      options.map((option, index) => ({
        choice: [...choice, index],
        cost: cost + option.cost,
        resource: resource + option.resource,
      })),
    );
  }
  return found;
}

/** The first of the cheapest, and of those the smallest. */
function best(allocations: readonly Allocation[]): Allocation | null {
  return allocations.reduce<Allocation | null>(
    (found, item) =>
      found === null || item.cost < found.cost || (item.cost === found.cost && item.resource < found.resource)
        ? item
        : found,
    null,
  );
}

// Few distinct values, so that ties and dominated choices are common; halves, so that sums are exact.
const choice = fc.record({
  cost: fc.integer({ min: -4, max: 12 }).map((half) => half / 2),
  resource: fc.integer({ min: 0, max: 9 }).map((count) => count * 8),
});
const problem = fc.array(fc.array(choice, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 5 });

describe('allocate/allocate', () => {
  it('is what trying everything finds, ties included', () => {
    fc.assert(
      fc.property(problem, fc.integer({ min: 0, max: 400 }), (choices, budget) => {
        const expected = best(all(choices).filter(({ resource }) => resource <= budget));
        assert.deepEqual(allocate(choices, budget), expected);
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  it('has a front of exactly the allocations that none beats, and it answers every budget', () => {
    fc.assert(
      fc.property(problem, (choices) => {
        const everything = all(choices);
        const front = paretoFront(choices);
        const budgets = [...new Set(everything.map(({ resource }) => resource))].sort((a, b) => a - b);
        const expected = new Map<string, Allocation>();
        for (const budget of budgets) {
          const found = present(best(everything.filter(({ resource }) => resource <= budget)));
          expected.set(found.choice.join(), found);
        }
        assert.deepEqual(front, [...expected.values()]);
        for (const { resource } of front)
          assert.deepEqual(
            allocate(choices, resource),
            front.find((item) => item.resource === resource),
          );
      }),
      { numRuns: 300, seed: 2 },
    );
  });

  it('does not settle for what greedy steps reach', () => {
    // By price the first block goes first (3 per 3); with 4 to spend, the second alone is better.
    const choices = [
      [
        { cost: 3, resource: 0 },
        { cost: 0, resource: 3 },
      ],
      [
        { cost: 3.5, resource: 0 },
        { cost: 0, resource: 4 },
      ],
    ];
    assert.deepEqual(allocate(choices, 4), { choice: [0, 1], cost: 3, resource: 4 });
  });

  it('says when nothing fits, and that nothing needs nothing', () => {
    assert.equal(allocate([[{ cost: 0, resource: 5 }]], 4), null);
    assert.equal(allocate([[{ cost: 0, resource: 5 }], []], 100), null);
    assert.deepEqual(paretoFront([[{ cost: 0, resource: 5 }], []]), []);
    assert.deepEqual(allocate([], 0), { choice: [], cost: 0, resource: 0 });
  });

  it('refuses what would not add up', () => {
    assert.throws(() => allocate([[{ cost: 0, resource: 0.5 }]], 1), /block 0, choice 0: resource 0.5/);
    assert.throws(() => allocate([[], [{ cost: NaN, resource: 1 }]], 1), /block 1, choice 0: cost NaN/);
  });

  it('takes milliseconds for the largest models at hand', () => {
    // 24 blocks, 8 widths of 4096 hidden units; exact sums in the hundreds of millions.
    const draw = random(1, 'allocate');
    const choices = Array.from({ length: 24 }, () =>
      Array.from({ length: 8 }, (_, level) => ({
        cost: level * level * draw.next(),
        resource: (2 * 1024 + 1) * (4096 - 448 * level) + 1024,
      })),
    );
    const started = performance.now();
    const front = paretoFront(choices);
    assert.ok(performance.now() - started < 2000);
    assert.ok(front.length > 100 && front.every(({ resource }) => Number.isSafeInteger(resource)));
  });
});
