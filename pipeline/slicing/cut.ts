import type { SlicedModel } from './sliced-model.ts';

/** What stays of an axis, in this order; a number: the first so many. Absent is everything. */
export type Kept = number | readonly number[];

/** What stays of a layer. */
export interface LayerCut {
  readonly heads?: Kept | undefined;
  /** Dimensions of queries and keys within each kept head, equally many in all of them. */
  readonly keys?: number | readonly (readonly number[])[] | undefined;
  /** Dimensions of values within each kept head, equally many in all of them. */
  readonly values?: number | readonly (readonly number[])[] | undefined;
  /** Hidden units of the FFN. */
  readonly units?: Kept | undefined;
}

/** What stays of a model. */
export interface Cut {
  /** Channels of the stream. */
  readonly channels?: Kept | undefined;
  /** One entry per layer. */
  readonly layers?: readonly (LayerCut | undefined)[] | undefined;
  /** Rows of the head. */
  readonly classes?: Kept | undefined;
}

/** The physically smaller model. */
export function cutModel(model: SlicedModel, cut: Cut): SlicedModel {
  throw new Error(`not yet: ${model.architecture.depth} layers, ${Object.keys(cut).join()}`);
}
