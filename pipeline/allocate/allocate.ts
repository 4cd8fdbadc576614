/** One option for a block: what it loses and what it needs. */
export interface Choice {
  /** Finite; may be negative (a descendant that measured better than the teacher's block). */
  readonly cost: number;
  /** A non-negative whole number (parameters, MACs), so that sums are exact. */
  readonly resource: number;
}

export interface Allocation {
  /** For every block, the index of its choice. */
  readonly choice: readonly number[];
  readonly cost: number;
  readonly resource: number;
}

/**
 * One choice per block with the lowest sum of costs whose resources sum to at most `budget`: the multiple-choice
 * knapsack problem, solved exactly. Among equal costs the smaller resource wins, then the earlier choices.
 *
 * @returns null when even the smallest choices exceed the budget, or a block has no choice
 * @throws RangeError for a resource that is not a whole number or a cost that is not finite
 */
export function allocate(choices: readonly (readonly Choice[])[], budget: number): Allocation | null {
  return undominated(choices, budget).at(-1) ?? null;
}

/**
 * Every allocation that no other one beats: resources rise and costs fall strictly. It answers `allocate` for all
 * budgets at once. Empty when a block has no choice.
 */
export function paretoFront(choices: readonly (readonly Choice[])[]): Allocation[] {
  return undominated(choices, Infinity);
}

/** A way to fill the first blocks. `parent` fills all but the last of them. */
interface State {
  readonly cost: number;
  readonly resource: number;
  readonly parent: State | null;
  readonly index: number;
}

/**
 * Block by block, the non-dominated (resource, cost) pairs of the blocks so far (Nemhauser and Ullmann, Management
 * Science 15, 1969). Dropping a dominated pair is exact: whatever the later blocks add, it stays dominated. A table
 * over all resources would be no faster and as long as the budget; here the length is bounded by the number of distinct
 * sums, which is small because widths are multiples of something: a few thousand pairs for twelve blocks.
 */
function undominated(choices: readonly (readonly Choice[])[], budget: number): Allocation[] {
  choices.forEach(checkChoices);
  const least = choices.map((options) => Math.min(...options.map(({ resource }) => resource)));
  let rest = least.reduce((sum, resource) => sum + resource, 0);
  let front: State[] = [{ cost: 0, resource: 0, parent: null, index: -1 }];
  for (const [block, options] of choices.entries()) {
    rest -= least[block]!;
    const grown = front.flatMap((parent) =>
      options.map((option, index): State => ({
        cost: parent.cost + option.cost,
        resource: parent.resource + option.resource,
        parent,
        index,
      })),
    );
    front = [];
    for (const state of grown.sort(compareStates)) {
      if (state.resource + rest > budget) break;
      if (front.length === 0 || state.cost < front[front.length - 1]!.cost) front.push(state);
    }
  }
  return front
    .filter(({ resource }) => resource <= budget)
    .map((state) => ({ choice: pathOf(state), cost: state.cost, resource: state.resource }));
}

function compareStates(a: State, b: State): number {
  return a.resource - b.resource || a.cost - b.cost || comparePaths(pathOf(a), pathOf(b));
}

function comparePaths(a: readonly number[], b: readonly number[]): number {
  const place = a.findIndex((index, block) => index !== b[block]);
  return place < 0 ? 0 : a[place]! - b[place]!;
}

function pathOf(state: State): number[] {
  const path: number[] = [];
  for (let at: State = state; at.parent !== null; at = at.parent) path.push(at.index);
  return path.reverse();
}

function checkChoices(options: readonly Choice[], block: number): void {
  options.forEach(({ cost, resource }, index) => {
    if (!Number.isSafeInteger(resource) || resource < 0)
      throw new RangeError(`block ${block}, choice ${index}: resource ${resource} is not a whole number`);
    if (!Number.isFinite(cost)) throw new RangeError(`block ${block}, choice ${index}: cost ${cost}`);
  });
}
