import type { Architecture, LayerShape } from './family.ts';

type Layers = Pick<Architecture, 'layers' | 'stages' | 'depth' | 'width' | 'heads' | 'hidden'>;

/**
 * Every layer's extents, of whatever family: where the architecture lists neither layers nor stages, all layers are alike. Heads
 * share the width, unless layers say otherwise.
 */
export function layerShapes(architecture: Layers): readonly LayerShape[] {
  const { layers, depth } = architecture;
  return layers ?? Array.from({ length: depth }, (_, block) => shapeIn(stageOf(architecture, block)));
}

/** D: width of the residual stream in a block, after its mixing. */
export function blockWidth(architecture: Omit<Layers, 'layers'>, block: number): number {
  return stageOf(architecture, block).width;
}

/** H of every block of the teacher. */
export function hiddenUnits(architecture: Layers): number[] {
  return layerShapes(architecture).map(({ hidden }) => hidden);
}

/** Which of the stages a block is in, and its place there, both from 0; the whole model is one stage where it has none. */
export function placeInStages(
  { stages }: Pick<Architecture, 'stages'>,
  block: number,
): { readonly stage: number; readonly place: number } {
  let place = block;
  for (const [stage, { depth }] of (stages ?? []).entries()) {
    if (place < depth) return { stage, place };
    place -= depth;
  }
  if (stages === undefined) return { stage: 0, place };
  throw new RangeError(`block ${block} is in none of ${stages.length} stages`);
}

type Sizes = Pick<Architecture, 'width' | 'heads' | 'hidden'>;

function stageOf(architecture: Omit<Layers, 'layers'>, block: number): Sizes {
  const { stages } = architecture;
  return stages === undefined ? architecture : stages[placeInStages(architecture, block).stage]!;
}

function shapeIn({ width, heads, hidden }: Sizes): LayerShape {
  return { heads, keySize: width / heads, valueSize: width / heads, hidden };
}
