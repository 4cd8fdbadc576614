import { lowestLevels } from './level-search.ts';

/** One option for a block: what it loses and what it uses of each resource. Any finite numbers. */
export interface Option {
  readonly cost: number;
  readonly uses: readonly number[];
}

export type Blocks = readonly (readonly Option[])[];

export interface Chosen {
  /** For every block, the index of its option. */
  readonly choice: readonly number[];
  readonly cost: number;
  readonly uses: readonly number[];
}

/**
 * The `count` cheapest choices of one option per block whose uses sum to at most `limits`, cheapest first: the
 * multiple-choice knapsack problem with several resources, solved exactly. Fewer come back where there are no more,
 * none where nothing fits. Sums that exceed a limit by rounding alone (1e-12 of what the options span) are within it.
 *
 * @param limits one per resource; infinite for none
 * @throws RangeError for a number that is not finite, or options with other resources than the limits
 */
export function choose(blocks: Blocks, limits: readonly number[], count = 1): Chosen[] {
  checkBlocks(blocks, limits);
  const limited = limits.flatMap((limit, resource) => (limit === Infinity ? [] : [resource]));
  const costs = blocks.map((options) => {
    const least = Math.min(...options.map(({ cost }) => cost));
    return options.map(({ cost }) => cost - least);
  });
  // A power of two, so that no cost is rounded.
  const span = costs.reduce((sum, block) => sum + Math.max(...block), 0);
  const unit = span > 0 ? 2 ** Math.max(-1000, Math.round(Math.log2(span))) : 1;
  const found = lowestLevels(
    {
      blocks: blocks.map((options, block) =>
        options.map(({ uses }, index) => [
          costs[block]![index]! / unit,
          ...limited.map((resource) => uses[resource]!),
        ]),
      ),
      base: [0, ...limited.map((resource) => limits[resource]!)],
      rise: [1, ...limited.map(() => 0)],
    },
    count,
  );
  return found
    .map((choice) => sumUp(blocks, choice, limits.length))
    .sort((a, b) => a.cost - b.cost || compareUses(a, b, limits) || comparePlaces(a.choice, b.choice));
}

/** Why nothing fits, and what would. */
export interface Misfit {
  /** The least that any choice uses of each resource. */
  readonly least: readonly number[];
  /** Resources of which even that is too much. */
  readonly unattainable: readonly number[];
  /**
   * The least share by which the limits that may rise must do so together for something to fit, and the cheapest that
   * fits then; null where the firm limits already leave nothing.
   */
  readonly nearest: { readonly excess: number; readonly chosen: Chosen } | null;
}

/**
 * @param limits positive, but for the firm ones
 * @param firm resources whose limits do not rise
 * @throws RangeError also for a limit that may rise but is not positive: a share of it says nothing
 */
export function explainMisfit(
  blocks: Blocks,
  limits: readonly number[],
  firm: ReadonlySet<number> = new Set(),
): Misfit {
  checkBlocks(blocks, limits);
  limits.forEach((limit, resource) => {
    if (!(limit > 0) && !firm.has(resource)) throw new RangeError(`limit ${resource}: ${limit}`);
  });
  const least = limits.map((_, resource) =>
    blocks.reduce((sum, options) => sum + Math.min(...options.map(({ uses }) => uses[resource]!)), 0),
  );
  const unattainable = limits.flatMap((limit, resource) => (least[resource]! > limit ? [resource] : []));
  const limited = limits.flatMap((limit, resource) => (limit === Infinity ? [] : [resource]));
  const [choice] = limited.every((resource) => firm.has(resource))
    ? []
    : lowestLevels({
        blocks: blocks.map((options) =>
          options.map(({ uses }) => limited.map((resource) => uses[resource]!)),
        ),
        base: limited.map((resource) => limits[resource]!),
        rise: limited.map((resource) => (firm.has(resource) ? 0 : limits[resource]!)),
      });
  if (choice === undefined) return { least, unattainable, nearest: null };
  const reached = sumUp(blocks, choice, limits.length);
  const excess = Math.max(
    ...limited.flatMap((resource) =>
      firm.has(resource) ? [] : [reached.uses[resource]! / limits[resource]! - 1],
    ),
  );
  const raised = limits.map((limit, resource) => (firm.has(resource) ? limit : limit * (1 + excess)));
  return { least, unattainable, nearest: { excess, chosen: choose(blocks, raised)[0] ?? reached } };
}

export function sumUp(blocks: Blocks, choice: readonly number[], resources: number): Chosen {
  const options = choice.map((index, block) => blocks[block]![index]!);
  return {
    choice,
    cost: options.reduce((sum, { cost }) => sum + cost, 0),
    uses: Array.from({ length: resources }, (_, resource) =>
      options.reduce((sum, { uses }) => sum + uses[resource]!, 0),
    ),
  };
}

function compareUses(a: Chosen, b: Chosen, limits: readonly number[]): number {
  const shares = ({ uses }: Chosen) =>
    limits.reduce(
      (sum, limit, resource) => sum + (limit === Infinity ? 0 : uses[resource]! / Math.abs(limit || 1)),
      0,
    );
  return shares(a) - shares(b);
}

function comparePlaces(a: readonly number[], b: readonly number[]): number {
  const place = a.findIndex((index, block) => index !== b[block]);
  return place < 0 ? 0 : a[place]! - b[place]!;
}

function checkBlocks(blocks: Blocks, limits: readonly number[]): void {
  blocks.forEach((options, block) =>
    options.forEach(({ cost, uses }, index) => {
      if (uses.length !== limits.length)
        throw new RangeError(
          `block ${block}, option ${index}: ${uses.length} uses for ${limits.length} limits`,
        );
      for (const value of [cost, ...uses])
        if (!Number.isFinite(value)) throw new RangeError(`block ${block}, option ${index}: ${value}`);
    }),
  );
}
