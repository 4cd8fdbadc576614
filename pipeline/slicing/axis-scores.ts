import type { SlicedModel } from './sliced-model.ts';

/** What can be removed in one step: the stream, then the attention, then the FFN, as published (ED-ViT, section 4). */
export const sliceSteps = ['stream', 'attention', 'ffn'] as const;
export type SliceStep = (typeof sliceSteps)[number];

/** How much each part is worth; only what the step asks for is there. */
export interface AxisScores {
  /** [D] */
  readonly channels?: Float64Array | undefined;
  /** By layer. */
  readonly layers?:
    | readonly {
        /** [h k] */
        readonly keys?: Float64Array | undefined;
        /** [h v] */
        readonly values?: Float64Array | undefined;
        /** [H] */
        readonly units?: Float64Array | undefined;
      }[]
    | undefined;
}

/** Scores the parts that one step removes; the model is what earlier steps left. */
export type ScoreAxes = (model: SlicedModel, step: SliceStep) => Promise<AxisScores>;

/** Of the stream: one; of the FFN: one a layer; of the attention: keys and values of each layer in turn. */
export function toScores(step: SliceStep, found: readonly Float64Array[]): AxisScores {
  if (step === 'stream') return { channels: found[0] };
  if (step === 'ffn') return { layers: found.map((units) => ({ units })) };
  return {
    layers: Array.from({ length: found.length / 2 }, (_, layer) => ({
      keys: found[2 * layer],
      values: found[2 * layer + 1],
    })),
  };
}
