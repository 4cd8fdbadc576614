import { stringify } from 'yaml';
import { modelCosts } from '../../pipeline/model/costs.ts';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import type { LoadedConfig } from '../../pipeline/config/loaded.ts';
import type { BlocksConfig } from '../../pipeline/stages/blocks/schema.ts';

/** What every method may spend. */
export interface Budget {
  /** Devices of the fleets. */
  readonly devices: number;
  /** Share of the teacher's multiply-adds of an image. */
  readonly macs: number;
  /** Passes of each training over its images. */
  readonly epochs: number;
}

/** Fleets by what they have in common with the one model of blocks: each device costs as much, or all of them together do. */
export function fleetsOf({ devices, macs }: Budget) {
  return [
    { name: 'each', devices, submodel: { macs } },
    { name: 'together', devices, submodel: { macs: macs / devices } },
  ];
}

/**
 * The share of hidden units that has to go, in every block, for that share of the multiply-adds; undefined where all of them
 * would not do.
 */
export function sparsityFor(
  architecture: Architecture,
  macs: number,
  widthMultiple: number,
): number | undefined {
  const whole = modelCosts(architecture).macs;
  const { hidden, depth } = architecture;
  for (let width = hidden - widthMultiple; width >= widthMultiple; width -= widthMultiple) {
    const cut = modelCosts(architecture, new Array<number>(depth).fill(width)).macs;
    if (cut <= macs * whole) return 1 - width / hidden;
  }
  return undefined;
}

/** A config file per method, on the same teacher, data, splits and seed. */
export function configsOf(
  { config }: LoadedConfig<BlocksConfig>,
  budget: Budget,
  sparsity: number | undefined,
): Readonly<Record<string, string>> {
  const { teacher, data, seed, measure } = config;
  const shared = { teacher, data, seed };
  const { batchSize } = measure;
  const duration = { epochs: budget.epochs };
  const fleets = {
    fleets: fleetsOf(budget),
    train: { duration },
    measure: { batchSize },
    baselines: ['total'],
  };
  const blocks = {
    ...shared,
    statistics: config.statistics,
    descendants: { ...config.descendants, sparsities: [sparsity] },
    inputs: config.inputs,
    distill: { ...config.distill, duration },
    measure: { batchSize, compositions: 0 },
  };
  return {
    ...(sparsity !== undefined && { blocks: stringify(blocks) }),
    'ed-vit': stringify({ method: 'ed-vit', ...shared, ...fleets }),
    devit: stringify({ method: 'devit', ...shared, ...fleets }),
  };
}
