import { paretoFront } from '../allocate/allocate.ts';
import { choose, explainMisfit, type Blocks, type Chosen, type Option } from '../allocate/choose.ts';
import {
  resources,
  type ComposeSpace,
  type Composition,
  type Limits,
  type Resource,
  type Uses,
} from './space.ts';

export interface ChooseOptions {
  /** How many different compositions; default: 1. */
  readonly count?: number;
  /** What is kept low where nothing but the loss is limited; default: parameters. */
  readonly minimise?: Resource;
}

/** Nothing in the library keeps to the limits. */
export interface NoComposition {
  /** Limits that even the leanest composition exceeds, with what it needs. */
  readonly unattainable: readonly { readonly limit: Resource; readonly least: number }[];
  /** Limits without any one of which something would fit. */
  readonly binding: readonly (Resource | 'maxDropPp')[];
  /** The one that loses least within the resource limits; null where nothing keeps to them. */
  readonly withinResources: Composition | null;
  /**
   * What fits when every resource limit is raised by the same least share, and the loss's is kept; null where the loss
   * alone is limited, or too low for any composition.
   */
  readonly nearest: { readonly excess: number; readonly composition: Composition } | null;
}

/**
 * The compositions within the limits that are predicted to lose least, best first, proved optimal for the prediction
 * (`allocate/choose.ts`). With a limit on the loss alone, those that use least of `minimise`.
 * @throws RangeError for a limit on latency in a space without one, and for a loss below 0
 */
export function chooseCompositions(
  { loss, latency, frame, blocks, compositionOf }: ComposeSpace,
  limits: Limits,
  { count = 1, minimise = 'params' }: ChooseOptions = {},
): Composition[] | NoComposition {
  if (limits.latencyMs !== undefined && latency === null)
    throw new RangeError('a limit on latency needs the profile of a device');
  if (limits.maxDropPp !== undefined && !(limits.maxDropPp >= 0))
    throw new RangeError(`a loss of at most ${limits.maxDropPp} points`);
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
  const composed = ({ choice }: Chosen) => compositionOf(choice.slice(1));
  const found = choose(options, bounds, count);
  if (found.length > 0) return found.map(composed);

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
      row < lossRow ? [{ limit: resources[row]!, least: least[row]! }] : [],
    ),
    binding: [...resources, 'maxDropPp' as const].filter(
      (_, row) => bounds[row] !== Infinity && without(row) !== undefined,
    ),
    withinResources: onlyLoss || leastLoss === undefined ? null : composed(leastLoss),
    nearest: nearest === null ? null : { excess: nearest.excess, composition: composed(nearest.chosen) },
  };
}

/** Times are added up in whole nanoseconds, so that equal sums are equal. */
const nanoseconds = 1e6;

/**
 * Every composition that no other one beats in both predicted loss and one resource, the leanest first: each answers
 * `chooseCompositions` for all limits from its own use up to that of the next.
 *
 * @param limits of that resource and of the loss; others are not looked at
 */
export function compositionFront(
  { blocks, compositionOf }: ComposeSpace,
  by: Resource,
  limits: Limits = {},
): Composition[] {
  const unit = by === 'latencyMs' ? nanoseconds : 1;
  const front = paretoFront(
    blocks.map((items) => items.map(({ uses, cost }) => ({ cost, resource: Math.round(unit * uses[by]) }))),
  );
  return front
    .map(({ choice }) => compositionOf(choice))
    .filter((composition) => (composition[by] ?? 0) <= (limits[by] ?? Infinity))
    .filter(({ predictedDropPp }) => predictedDropPp <= (limits.maxDropPp ?? Infinity));
}

/** RFC 4180, one line per composition: widths and ids by block, separated by spaces. */
export function frontCsv({ blocks }: ComposeSpace, front: readonly Composition[]): string {
  const widths = new Map(blocks.flatMap((items) => items.map(({ id, width }) => [id, width])));
  const rows = front.map(({ descendants, predictedDropPp, params, macs, sizeBytes, latencyMs }) => [
    predictedDropPp,
    params,
    macs,
    sizeBytes,
    latencyMs ?? '',
    descendants.map((id) => widths.get(id)).join(' '),
    descendants.join(' '),
  ]);
  return [['predictedDropPp', 'params', 'macs', 'sizeBytes', 'latencyMs', 'widths', 'descendants'], ...rows]
    .map((row) => `${row.join(',')}\r\n`)
    .join('');
}
