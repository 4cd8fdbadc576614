import { frameCosts } from '../model/costs.ts';
import type { ManifestDescendant } from '../library/manifest.ts';
import type { Library } from '../library/open.ts';
import type { LatencyModel } from './latency.ts';
import { lossModel, type LossModel } from './loss-model.ts';

/** What a model may use, each of the whole model. */
export const resources = ['params', 'macs', 'sizeBytes', 'latencyMs'] as const;
export type Resource = (typeof resources)[number];
export type Uses = Readonly<Record<Resource, number>>;

/** A composition and what it is expected to be. */
export interface Plan {
  /** One id per block. */
  readonly descendants: readonly string[];
  readonly predictedDropPp: number;
  readonly params: number;
  readonly macs: number;
  /** Of the weight files. */
  readonly sizeBytes: number;
  /** Null where no device was given; of what its model covers. */
  readonly latencyMs: number | null;
}

/** A library as numbers to choose by. */
export interface ComposeSpace {
  readonly loss: LossModel;
  /** Of everything but the FFN blocks. */
  readonly frame: Uses;
  /** By block, in the order of its descendants; latency 0 without a device. */
  readonly blocks: readonly (readonly {
    readonly descendant: ManifestDescendant;
    readonly uses: Uses;
    readonly cost: number;
  }[])[];
  /** @param choice one index per block */
  readonly toPlan: (choice: readonly number[]) => Plan;
}

export function composeSpace({ manifest }: Pick<Library, 'manifest'>, device?: LatencyModel): ComposeSpace {
  const loss = lossModel(manifest);
  const { params, macs } = frameCosts(manifest.teacher.architecture);
  const frame = { params, macs, sizeBytes: manifest.frame.sizeBytes, latencyMs: device?.frameMs ?? 0 };
  const last = manifest.blocks.length - 1;
  const blocks = manifest.blocks.map(({ descendants }, block) =>
    descendants.map((descendant) => ({
      descendant,
      cost: loss.costOf(descendant),
      uses: {
        params: descendant.params,
        macs: descendant.macs,
        sizeBytes: descendant.file.sizeBytes,
        latencyMs: device?.blockMs(descendant.width, block === last ? 'last' : undefined, block) ?? 0,
      },
    })),
  );
  return {
    loss,
    frame,
    blocks,
    toPlan(choice) {
      const parts = choice.map((index, block) => blocks[block][index]);
      const sum = (name: Resource) => parts.reduce((total, { uses }) => total + uses[name], frame[name]);
      return {
        descendants: parts.map(({ descendant }) => descendant.id),
        predictedDropPp: loss.dropPp(parts.reduce((total, { cost }) => total + cost, 0)),
        params: sum('params'),
        macs: sum('macs'),
        sizeBytes: sum('sizeBytes'),
        latencyMs: device === undefined ? null : sum('latencyMs'),
      };
    },
  };
}
