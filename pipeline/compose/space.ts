import type { ManifestDescendant } from '../library/manifest.ts';
import type { Library } from '../library/open.ts';
import { frameCosts } from '../model/costs.ts';
import type { LatencyModel } from '../profile/latency.ts';
import { lossModel, type LossModel } from './loss-model.ts';

/** What a model may use, each of the whole model. */
export const resources = ['params', 'macs', 'sizeBytes', 'latencyMs'] as const;
export type Resource = (typeof resources)[number];
export type Uses = Readonly<Record<Resource, number>>;

/** The most that a composition may use of each resource, and lose. */
export interface Limits extends Partial<Readonly<Record<Resource, number | undefined>>> {
  /** Points of top-1 that may be lost, as predicted. */
  readonly maxDropPp?: number | undefined;
}

/** One descendant for every block, and what the model they make is expected to be. */
export interface Composition {
  /** One id per block. */
  readonly descendants: readonly string[];
  readonly predictedDropPp: number;
  readonly params: number;
  readonly macs: number;
  /** The weight files together, the frame's among them. */
  readonly sizeBytes: number;
  /** Null in a space without latencies. */
  readonly latencyMs: number | null;
}

/** A library as numbers to choose by. */
export interface ComposeSpace {
  readonly loss: LossModel;
  readonly latency: LatencyModel | undefined;
  /** What everything but the FFN blocks uses. */
  readonly frame: Uses;
  /** By block, in the order of its descendants; latency 0 where there is none. */
  readonly blocks: readonly (readonly {
    readonly descendant: ManifestDescendant;
    readonly uses: Uses;
    readonly cost: number;
  }[])[];
  /** @param choice the index of a descendant for every block */
  readonly compositionOf: (choice: readonly number[]) => Composition;
}

/** @param latency without one, nothing can be said or limited of it */
export function composeSpace({ manifest }: Pick<Library, 'manifest'>, latency?: LatencyModel): ComposeSpace {
  const loss = lossModel(manifest);
  const { params, macs } = frameCosts(manifest.teacher.architecture);
  const frame = { params, macs, sizeBytes: manifest.frame.sizeBytes, latencyMs: latency?.frameMs ?? 0 };
  const blocks = manifest.blocks.map(({ descendants }, block) =>
    descendants.map((descendant) => ({
      descendant,
      cost: loss.costOf(descendant),
      uses: {
        params: descendant.params,
        macs: descendant.macs,
        sizeBytes: descendant.file.sizeBytes,
        latencyMs: latency?.blockMs(descendant.width, block) ?? 0,
      },
    })),
  );
  return {
    loss,
    latency,
    frame,
    blocks,
    compositionOf(choice) {
      const parts = choice.map((index, block) => blocks[block]![index]!);
      const sum = (name: Resource) => parts.reduce((total, { uses }) => total + uses[name], frame[name]);
      return {
        descendants: parts.map(({ descendant }) => descendant.id),
        predictedDropPp: loss.dropPp(parts.reduce((total, { cost }) => total + cost, 0)),
        params: sum('params'),
        macs: sum('macs'),
        sizeBytes: sum('sizeBytes'),
        latencyMs: latency === undefined ? null : sum('latencyMs'),
      };
    },
  };
}
