import type { Architecture } from '../model/architecture.ts';
import { modelCosts } from '../model/costs.ts';
import { layerShapes } from '../model/family/layer-shapes.ts';
import type { Cut, Kept } from './cut.ts';
import { foldedArchitecture } from './folded-architecture.ts';

/** How much of every axis stays, the same in all layers. */
export interface ModelShape {
  /** Channels of the stream. */
  readonly width: number;
  /** Of queries and keys, per head. */
  readonly keySize: number;
  /** Of values, per head. */
  readonly valueSize: number;
  /** Hidden units per layer. */
  readonly hidden: number;
}

/** Upper limits of a sub-model. */
export interface ShapeLimits {
  /** Multiply-adds per image. */
  readonly macs: number;
  /** Of the weights as float32. */
  readonly sizeBytes: number;
}

/** The cut of a model whose axes are in order of worth. `classes`: rows of the head, by default all. */
export function cutOf({ depth }: Architecture, shape: ModelShape, classes?: Kept): Cut {
  const { width, keySize, valueSize, hidden } = shape;
  const layer = { keys: keySize, values: valueSize, units: hidden };
  return { channels: width, layers: new Array<typeof layer>(depth).fill(layer), classes };
}

/** What is left of a folded model, by arithmetic alone. */
export function architectureOf(
  whole: Architecture,
  { width, keySize, valueSize, hidden }: ModelShape,
  classes = whole.classes,
): Architecture {
  return {
    ...foldedArchitecture(whole),
    width,
    hidden,
    classes,
    layers: layerShapes(whole).map(({ heads }) => ({ heads, keySize, valueSize, hidden })),
  };
}

/** Whether a model of that shape is within the limits. */
export function isWithin(
  whole: Architecture,
  shape: ModelShape,
  classes: number,
  limits: ShapeLimits,
): boolean {
  const { macs, sizeBytes } = modelCosts(architectureOf(whole, shape, classes));
  return macs <= limits.macs && sizeBytes <= limits.sizeBytes;
}
