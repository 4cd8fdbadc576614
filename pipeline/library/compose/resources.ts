import { rankedDelta, type Manifest, type ManifestDescendant } from '../manifest.ts';
import type { LatencyModel } from './latency.ts';
import { lossCost } from './predict.ts';

/** What a model uses, as limits and fronts name it. */
export const resourceNames = ['params', 'macs', 'size', 'latency'] as const;
export type ResourceName = (typeof resourceNames)[number];

/** By resource: parameters, multiply-adds per image, bytes of the weight files, milliseconds per batch. */
export type Amounts = Readonly<Record<ResourceName, number>>;

/** One descendant as composing sees it. */
export interface ComposeOption {
  readonly descendant: ManifestDescendant;
  readonly amounts: Amounts;
  /** What it adds to what the loss is predicted from. */
  readonly cost: number;
}

/** A library as options per block and what every model has beside its blocks. */
export interface ComposeSpace {
  readonly manifest: Manifest;
  readonly latency: LatencyModel;
  readonly frame: Amounts;
  readonly blocks: readonly (readonly ComposeOption[])[];
  /** Of the teacher itself. */
  readonly teacher: Amounts;
}

export function composeSpace(manifest: Manifest, latency: LatencyModel): ComposeSpace {
  const cost = lossCost(manifest);
  const blocks = manifest.blocks.map(({ descendants }, block) =>
    descendants.map((descendant): ComposeOption => ({
      descendant,
      amounts: {
        params: descendant.params,
        macs: descendant.macs,
        size: descendant.file.sizeBytes,
        latency: latency.blockMs(block, descendant),
      },
      cost: cost(rankedDelta(descendant)),
    })),
  );
  const own = (name: 'params' | 'macs') => blocks.reduce((sum, [first]) => sum + first.amounts[name], 0);
  const frame: Amounts = {
    params: manifest.teacher.params - own('params'),
    macs: manifest.teacher.macs - own('macs'),
    size: manifest.frame.sizeBytes,
    latency: latency.frameMs,
  };
  return {
    manifest,
    latency,
    frame,
    blocks,
    teacher: amountsOf(
      { frame, blocks },
      blocks.map(() => 0),
    ),
  };
}

/** Of the whole model that a choice of one option per block makes. */
export function amountsOf(
  { frame, blocks }: Pick<ComposeSpace, 'frame' | 'blocks'>,
  choice: readonly number[],
): Amounts {
  const sum = (name: ResourceName) =>
    choice.reduce((total, option, block) => total + blocks[block][option].amounts[name], frame[name]);
  return { params: sum('params'), macs: sum('macs'), size: sum('size'), latency: sum('latency') };
}
