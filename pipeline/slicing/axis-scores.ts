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
