import { choose, explainMisfit, type Blocks, type Chosen, type Option } from '../../allocate/choose.ts';
import { frameCosts } from '../../model/costs.ts';
import type { Library } from '../open.ts';
import type { ManifestDescendant } from '../manifest.ts';
import type { LatencyModel } from './latency.ts';
import { lossModel } from './predict.ts';

/** What a model may use, each of the whole model. */
export const resources = ['params', 'macs', 'sizeBytes', 'latencyMs'] as const;
export type Resource = (typeof resources)[number];

export interface Limits extends Partial<Readonly<Record<Resource, number>>> {
  /** Points of top-1 that may be lost, as predicted. */
  readonly maxDropPp?: number;
}

/** A composition and what it is expected to be. */
export interface Plan {
  /** One id per block. */
  readonly descendants: readonly string[];
  readonly predictedDropPp: number;
  readonly params: number;
  readonly macs: number;
  /** Of the weights as safetensors. */
  readonly sizeBytes: number;
  /** Null where no device was given; of what its model covers. */
  readonly latencyMs: number | null;
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
  library: Library,
  limits: Limits,
  { device, count = 1, minimise = 'params' }: PlanOptions = {},
): Plan[] | NoPlan {
  if (limits.latencyMs !== undefined && device === undefined)
    throw new RangeError('a limit on latency needs the profile of a device');
  if (limits.maxDropPp !== undefined && !(limits.maxDropPp >= 0))
    throw new RangeError(`a loss of at most ${limits.maxDropPp} points`);
  const { blocks, teacher } = library.manifest;
  const frame = frameCosts(teacher.architecture);
  const loss = lossModel(library.manifest);
  const base: Readonly<Record<Resource, number>> = {
    params: frame.params,
    macs: frame.macs,
    sizeBytes: library.manifest.frame.sizeBytes,
    latencyMs: device?.frameMs ?? 0,
  };
  const usesOf = (descendant: ManifestDescendant, block: number): Record<Resource, number> => ({
    params: descendant.params,
    macs: descendant.macs,
    sizeBytes: descendant.file.sizeBytes,
    latencyMs:
      device?.blockMs(descendant.width, block === blocks.length - 1 ? 'last' : undefined, block) ?? 0,
  });
  const onlyLoss = limits.maxDropPp !== undefined && resources.every((name) => limits[name] === undefined);
  const option = (uses: Readonly<Record<Resource, number>>, lost: number): Option => ({
    cost: onlyLoss ? uses[minimise] : lost,
    uses: [...resources.map((name) => uses[name]), lost],
  });
  const options: Blocks = [
    // The frame: a block without a choice.
    [option(base, 0)],
    ...blocks.map(({ descendants }, block) =>
      descendants.map((descendant) => option(usesOf(descendant, block), loss.costOf(descendant))),
    ),
  ];
  const bounds = [
    ...resources.map((name) => limits[name] ?? Infinity),
    limits.maxDropPp === undefined ? Infinity : loss.costWithin(limits.maxDropPp),
  ];
  const toPlan = ({ choice, uses: [params, macs, sizeBytes, latencyMs, lost] }: Chosen): Plan => ({
    descendants: choice.slice(1).map((index, block) => blocks[block].descendants[index].id),
    predictedDropPp: loss.dropPp(lost),
    params,
    macs,
    sizeBytes,
    latencyMs: device === undefined ? null : latencyMs,
  });
  const found = choose(options, bounds, count);
  if (found.length > 0) return found.map(toPlan);
  const lossAt = resources.length;
  const without = (row: number) =>
    choose(
      options,
      bounds.map((bound, index) => (index === row ? Infinity : bound)),
    ).at(0);
  const { least, unattainable, nearest } = explainMisfit(options, bounds, new Set([lossAt]));
  const leastLoss = without(lossAt);
  return {
    unattainable: unattainable.flatMap((index) =>
      index < lossAt ? [{ limit: resources[index], least: least[index] }] : [],
    ),
    binding: [...resources, 'maxDropPp' as const].filter(
      (_, row) => bounds[row] !== Infinity && without(row) !== undefined,
    ),
    withinResources: onlyLoss || leastLoss === undefined ? null : toPlan(leastLoss),
    nearest: nearest === null ? null : { excess: nearest.excess, plan: toPlan(nearest.chosen) },
  };
}
