import { choose, explainMisfit, type Blocks, type Chosen, type Option } from '../allocate/choose.ts';
import type { Library } from '../library/open.ts';
import type { LatencyModel } from './latency.ts';
import { composeSpace, resources, type Plan, type Resource, type Uses } from './space.ts';

export { resources, type Plan, type Resource } from './space.ts';

export interface Limits extends Partial<Readonly<Record<Resource, number>>> {
  /** Points of top-1 that may be lost, as predicted. */
  readonly maxDropPp?: number | undefined;
}

export interface PlanOptions {
  readonly device?: LatencyModel | undefined;
  /** How many different plans. */
  readonly count?: number;
  /** What is kept low where nothing but the loss is limited. */
  readonly minimise?: Resource;
}

/** Nothing in the library keeps to the limits. */
export interface NoPlan {
  /** Limits that even the leanest composition exceeds, with what it needs. */
  readonly unattainable: readonly { readonly limit: Resource; readonly least: number }[];
  /** Limits without any one of which something would fit. */
  readonly binding: readonly (Resource | 'maxDropPp')[];
  /** The one that loses least within the resource limits; null where nothing keeps to them. */
  readonly withinResources: Plan | null;
  /**
   * What fits when every resource limit is raised by the same least share, and the loss's is kept; null where the loss
   * alone is limited, or too low for any composition.
   */
  readonly nearest: { readonly excess: number; readonly plan: Plan } | null;
}

/**
 * The compositions within the limits that are predicted to lose least, best first, proved optimal for the prediction
 * (`allocate/choose.ts`). With a limit on the loss alone, those that use least of `minimise`.
 * @throws RangeError for a limit on latency without a device, and for a loss below 0
 */
export function planCompositions(
  library: Pick<Library, 'manifest'>,
  limits: Limits,
  { device, count = 1, minimise = 'params' }: PlanOptions = {},
): Plan[] | NoPlan {
  if (limits.latencyMs !== undefined && device === undefined)
    throw new RangeError('a limit on latency needs the profile of a device');
  if (limits.maxDropPp !== undefined && !(limits.maxDropPp >= 0))
    throw new RangeError(`a loss of at most ${limits.maxDropPp} points`);
  const { loss, frame, blocks, toPlan } = composeSpace(library, device);
  const onlyLoss = limits.maxDropPp !== undefined && resources.every((name) => limits[name] === undefined);
  const option = (uses: Uses, cost: number): Option => ({
    cost: onlyLoss ? uses[minimise] : cost,
    uses: [...resources.map((name) => uses[name]), cost],
  });
  const options: Blocks = [
    // The frame: a block without a choice.
    [option(frame, 0)],
    ...blocks.map((items) => items.map(({ uses, cost }) => option(uses, cost))),
  ];
  const bounds = [
    ...resources.map((name) => limits[name] ?? Infinity),
    limits.maxDropPp === undefined ? Infinity : loss.costWithin(limits.maxDropPp),
  ];
  const planOf = ({ choice }: Chosen) => toPlan(choice.slice(1));
  const found = choose(options, bounds, count);
  if (found.length > 0) return found.map(planOf);

  const lossRow = resources.length;
  const without = (row: number) =>
    choose(
      options,
      bounds.map((bound, index) => (index === row ? Infinity : bound)),
    ).at(0);
  const { least, unattainable, nearest } = explainMisfit(options, bounds, new Set([lossRow]));
  const leastLoss = without(lossRow);
  return {
    unattainable: unattainable.flatMap((row) =>
      row < lossRow ? [{ limit: resources[row], least: least[row] }] : [],
    ),
    binding: [...resources, 'maxDropPp' as const].filter(
      (_, row) => bounds[row] !== Infinity && without(row) !== undefined,
    ),
    withinResources: onlyLoss || leastLoss === undefined ? null : planOf(leastLoss),
    nearest: nearest === null ? null : { excess: nearest.excess, plan: planOf(nearest.chosen) },
  };
}
