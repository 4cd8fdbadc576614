import { openLoss, type LossData, type LossModel } from './loss-model.ts';

/** What a model may use, each of the whole model. */
export const resources = ['params', 'macs', 'sizeBytes', 'latencyMs'] as const;
export type Resource = (typeof resources)[number];
export type Uses = Readonly<Record<Resource, number>>;

/** The most that a composition may use of each resource, and lose. */
export interface Limits extends Partial<Readonly<Record<Resource, number | undefined>>> {
  /** Points that may be lost, as predicted, of what the library is measured by: top-1, k-NN top-1 or zero-shot top-1. */
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

/**
 * A library as numbers to choose by, as JSON (`space-data.ts`): what a page or a program without the library chooses by.
 * All of them are finite.
 */
export interface SpaceData {
  readonly loss: LossData;
  /** What its latencies are of, where it has them; not `isWhole`: of the FFN blocks alone. */
  readonly latency: { readonly describe: string; readonly isWhole: boolean } | null;
  /** What everything but the FFN blocks uses. */
  readonly frame: Uses;
  /** By block, in the order of its descendants, the teacher's own first; latency 0 where there is none. */
  readonly blocks: readonly (readonly {
    readonly id: string;
    readonly width: number;
    readonly uses: Uses;
    readonly cost: number;
  }[])[];
}

/** A library as numbers to choose by, and what they come to. */
export interface ComposeSpace extends Omit<SpaceData, 'loss'> {
  readonly loss: LossModel;
  /** @param choice the index of a descendant for every block */
  readonly compositionOf: (choice: readonly number[]) => Composition;
  /** The summed cost that the loss of these follows from. @throws Error for an id that is none of its block */
  readonly costOf: (descendants: readonly string[]) => number;
}

/** Free of Node, schemas and engines, so that a page chooses by the same code. */
export function openSpace(data: SpaceData): ComposeSpace {
  const { latency, frame, blocks } = data;
  const loss = openLoss(data.loss);
  return {
    loss,
    latency,
    frame,
    blocks,
    compositionOf(choice) {
      const parts = choice.map((index, block) => blocks[block]![index]!);
      const sum = (name: Resource) => parts.reduce((total, { uses }) => total + uses[name], frame[name]);
      return {
        descendants: parts.map(({ id }) => id),
        predictedDropPp: loss.dropPp(parts.reduce((total, { cost }) => total + cost, 0)),
        params: sum('params'),
        macs: sum('macs'),
        sizeBytes: sum('sizeBytes'),
        latencyMs: latency === null ? null : sum('latencyMs'),
      };
    },
    costOf: (descendants) =>
      descendants.reduce((total, id, block) => {
        const part = blocks[block]?.find((item) => item.id === id);
        if (part === undefined) throw new Error(`block ${block} has no ${id}`);
        return total + part.cost;
      }, 0),
  };
}
