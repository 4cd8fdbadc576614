import { choose, explainMisfit, type Blocks, type Chosen, type Option } from '../../allocate/choose.ts';
import { frameCosts } from '../../model/costs.ts';
import type { Library } from '../open.ts';
import { rankedDelta, type ManifestDescendant } from '../manifest.ts';
import type { DeviceLatency } from '../profile/latency-model.ts';
import { costAtDrop, lossCost, predictDropPp } from './predict.ts';

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
  /** Null without a device's profile. */
  readonly latencyMs: number | null;
}

export interface PlanOptions {
  readonly device?: DeviceLatency | undefined;
  /** How many different plans. */
  readonly count?: number;
  /** What is kept low where nothing but the loss is limited. */
  readonly minimise?: Resource;
}

/** Nothing in the library keeps to the limits. */
export interface NoPlan {
  /** Limits that even the leanest composition exceeds, with what it needs. */
  readonly unattainable: readonly { readonly limit: Resource; readonly least: number }[];
  /** What fits when every resource limit is raised by the same least share; null where none can be. */
  readonly nearest: { readonly excess: number; readonly plan: Plan } | null;
}

/**
 * The compositions within the limits that are predicted to lose least, best first, proved optimal for the prediction
 * (`allocate/choose.ts`). With a limit on the loss alone, those that use least of `minimise`.
 * @throws RangeError for a limit on latency without a device
 */
export function planCompositions(
  library: Library,
  limits: Limits,
  { device, count = 1, minimise = 'params' }: PlanOptions = {},
): Plan[] | NoPlan {
  if (limits.latencyMs !== undefined && device === undefined)
    throw new RangeError('a limit on latency needs the profile of a device');
  const { blocks, teacher } = library.manifest;
  const frame = frameCosts(teacher.architecture);
  const costOf = lossCost(library.manifest);
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
    latencyMs: device?.blockMs(descendant.width, block === blocks.length - 1 ? 'last' : undefined) ?? 0,
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
      descendants.map((descendant) => option(usesOf(descendant, block), costOf(rankedDelta(descendant)))),
    ),
  ];
  const bounds = [
    ...resources.map((name) => limits[name] ?? Infinity),
    limits.maxDropPp === undefined ? Infinity : costAtDrop(library.manifest, limits.maxDropPp),
  ];
  const toPlan = ({ choice, uses: [params, macs, sizeBytes, latencyMs, lost] }: Chosen): Plan => ({
    descendants: choice.slice(1).map((index, block) => blocks[block].descendants[index].id),
    predictedDropPp: predictDropPp(library.manifest, lost),
    params,
    macs,
    sizeBytes,
    latencyMs: device === undefined ? null : latencyMs,
  });
  const found = choose(options, bounds, count);
  if (found.length > 0) return found.map(toPlan);
  const { least, unattainable, nearest } = explainMisfit(options, bounds, new Set([resources.length]));
  return {
    unattainable: unattainable.flatMap((index) =>
      index < resources.length ? [{ limit: resources[index], least: least[index] }] : [],
    ),
    nearest: nearest === null ? null : { excess: nearest.excess, plan: toPlan(nearest.chosen) },
  };
}
