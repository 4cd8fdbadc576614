import { modelCosts } from '../../model/costs.ts';
import { layerShapes, pixelsPerImage, tokensPerImage, type Architecture } from '../../model/architecture.ts';

/**
 * What a model needs to answer for one image: its weights and the largest activations that have to be there at the same
 * time, as float32, computed in place where that is possible: the stream beside q, k, v and the scores of all heads, or the
 * stream beside its normalised form and the hidden units. A floor: the runtime's own code and what it sets aside come on top.
 */
export function memoryBytesOf(architecture: Architecture): number {
  const { width } = architecture;
  const tokens = tokensPerImage(architecture);
  const stream = tokens * width;
  const embedding = pixelsPerImage(architecture.imageSize, architecture.channels) + stream;
  const layers = layerShapes(architecture).map(({ heads, keySize, valueSize, hidden }) => {
    const attention = heads * tokens * (2 * keySize + valueSize + tokens);
    return stream + Math.max(attention, stream + tokens * hidden);
  });
  return modelCosts(architecture).sizeBytes + 4 * Math.max(embedding, ...layers);
}
