/** What each way of making a model smaller has to take away to stay within so many multiply-adds. Arithmetic alone. */
import { layerShapes, tokensPerImage, type Architecture } from '../../pipeline/model/architecture.ts';
import { blockCosts, frameCosts, modelCosts } from '../../pipeline/model/costs.ts';
import { architectureOf, type ModelShape } from '../../pipeline/slicing/shape.ts';
import { frontCosts } from './front-costs.ts';

/** The fewest tokens, about equally many after every attention, the first ones more; undefined where all there are do not do. */
export function tokensWithin(architecture: Architecture, macs: number): number[] | undefined {
  const { depth } = architecture;
  const tokens = tokensPerImage(architecture);
  for (let total = 0; total < tokens; total++) {
    const merged = Array.from(
      { length: depth },
      (_, layer) => Math.floor(total / depth) + (layer < total % depth ? 1 : 0),
    );
    if (!canMerge(merged, tokens)) return undefined;
    if (frontCosts(architecture, merged).macs <= macs) return merged;
  }
  return undefined;
}

/** At most half of the tokens that a layer has, one that is never merged aside. */
function canMerge(merged: readonly number[], tokens: number): boolean {
  let left = tokens;
  for (const r of merged) {
    if (r > Math.floor((left - 1) / 2)) return false;
    left -= r;
  }
  return true;
}

/** The most hidden units of every block, all of them or a multiple of `multiple`; undefined where the rest of the model alone is over. */
export function unitsWithin(architecture: Architecture, macs: number, multiple: number): number | undefined {
  const { hidden, depth } = architecture;
  const most = (macs - frameCosts(architecture).macs) / (depth * blockCosts(architecture, 0, 1).macs);
  if (most >= hidden) return hidden;
  return most >= multiple ? multiple * Math.floor(most / multiple) : undefined;
}

/** The most dimensions of all of queries, keys and values per head, the FFN blocks left alone. */
export function dimensionsWithin(architecture: Architecture, macs: number): ModelShape | undefined {
  const { width, hidden } = architecture;
  for (let size = layerShapes(architecture)[0]!.keySize; size > 0; size--) {
    const shape = { width, keySize: size, valueSize: size, hidden };
    if (modelCosts(architectureOf(architecture, shape)).macs <= macs) return shape;
  }
  return undefined;
}

/** The same share of dimensions and of hidden units, as far as whole dimensions allow: units take up what is left. */
export function evenlyWithin(
  architecture: Architecture,
  macs: number,
  multiple: number,
): ModelShape | undefined {
  const { keySize } = layerShapes(architecture)[0]!;
  const { width, hidden } = architecture;
  let best: ModelShape | undefined;
  let uneven = Infinity;
  for (let size = keySize; size > 0; size--) {
    const shape = { width, keySize: size, valueSize: size, hidden };
    const units = unitsWithin(architectureOf(architecture, shape), macs, multiple);
    if (units === undefined) continue;
    const off = Math.abs(Math.log((units / hidden / size) * keySize));
    if (off < uneven) [best, uneven] = [{ ...shape, hidden: units }, off];
  }
  return best;
}
