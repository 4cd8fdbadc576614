import type { Architecture, LayerShape } from './family.ts';

/** Every layer's extents, of whatever family: where the architecture lists none, all layers are alike and heads share the width. */
export function layerShapes({
  layers,
  depth,
  width,
  heads,
  hidden,
}: Pick<Architecture, 'layers' | 'depth' | 'width' | 'heads' | 'hidden'>): readonly LayerShape[] {
  const size = width / heads;
  return layers ?? Array.from({ length: depth }, () => ({ heads, keySize: size, valueSize: size, hidden }));
}
