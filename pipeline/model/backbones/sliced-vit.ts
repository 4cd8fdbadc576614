import type { Backbone } from '../backbone.ts';
import { layerShapes } from '../family/layer-shapes.ts';
import { slicedVitFamily } from '../family/sliced-vit.ts';
import { rmsNormLayer } from '../layers.ts';
import { preNormBackbone } from './pre-norm.ts';

/** The ViT of which parts were cut out, as `slicedVitFamily` lays it out. */
export const slicedVit: Backbone = {
  ...preNormBackbone(slicedVitFamily, rmsNormLayer),
  // All else follows from the tensors. So models of one stream share what is recorded of equal layers.
  blockKey({ family, width, normWidth = width, layerNormEpsilon, gelu, ...architecture }, block) {
    const { heads, keySize, valueSize } = layerShapes({ width, ...architecture })[block]!;
    return [family, heads, keySize, valueSize, normWidth, layerNormEpsilon, gelu].join();
  },
};
