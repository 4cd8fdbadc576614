import { layerShapes, type Architecture } from '../../model/architecture.ts';
import { foldedArchitecture } from '../../slicing/folded-architecture.ts';

/**
 * A teacher's sliced form with the same share of every dimension: stream, attention and hidden units, each at least one.
 * Attention loses whole heads where the share of the heads is a whole number (as published for ViT-B, whose heads are 12),
 * else every head becomes smaller; the costs are the same.
 * @param scale in (0, 1]
 * @param classes rows of its head
 */
export function uniformArchitecture(teacher: Architecture, classes: number, scale: number): Architecture {
  const share = (extent: number): number => Math.max(1, Math.round(extent * scale));
  const layers = layerShapes(teacher).map(({ heads, keySize, valueSize, hidden }) => {
    const whole = Math.round(heads * scale);
    const isWhole = whole >= 1 && Math.abs(heads * scale - whole) < 1e-9;
    return isWhole
      ? { heads: whole, keySize, valueSize, hidden: share(hidden) }
      : { heads, keySize: share(keySize), valueSize: share(valueSize), hidden: share(hidden) };
  });
  return {
    ...foldedArchitecture(teacher),
    width: share(teacher.width),
    heads: Math.max(...layers.map(({ heads }) => heads)),
    hidden: Math.max(...layers.map(({ hidden }) => hidden)),
    classes,
    layers,
  };
}
