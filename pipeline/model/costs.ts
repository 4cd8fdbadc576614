import { tokensPerImage, type Architecture } from './architecture.ts';

// What a model costs, in closed form. Parameters include biases; MACs are multiply-adds of one image's forward pass, of
// products only (biases, norms, softmax and GELU are below 1 %).

/** fc1 and fc2 of one block with `hidden` units; the LayerNorm before them belongs to the frame. */
export function blockParams({ width }: Architecture, hidden: number): number {
  return 2 * width * hidden + hidden + width;
}

/** Of one block over all tokens of an image. */
export function blockMacs(architecture: Architecture, hidden: number): number {
  return 2 * tokensPerImage(architecture) * architecture.width * hidden;
}

/** Everything but the FFN blocks: patch embedding, class token, positions, attention, norms, head. */
export function frameParams(architecture: Architecture): number {
  const { width, depth, patchSize, channels, classes } = architecture;
  const embedding = patchSize ** 2 * channels * width + width + width + tokensPerImage(architecture) * width;
  const layer = 4 * width * width + 4 * width + 4 * width;
  return embedding + depth * layer + 2 * width + width * classes + classes;
}

export function frameMacs(architecture: Architecture): number {
  const { width, depth, patchSize, channels, classes } = architecture;
  const tokens = tokensPerImage(architecture);
  const embedding = (tokens - 1) * patchSize ** 2 * channels * width;
  const layer = 4 * tokens * width * width + 2 * tokens * tokens * width;
  return embedding + depth * layer + width * classes;
}

/** @param hidden the width of every block; default the teacher's */
export function modelParams(architecture: Architecture, hidden = teacherWidths(architecture)): number {
  return hidden.reduce((sum, units) => sum + blockParams(architecture, units), frameParams(architecture));
}

/** @param hidden the width of every block; default the teacher's */
export function modelMacs(architecture: Architecture, hidden = teacherWidths(architecture)): number {
  return hidden.reduce((sum, units) => sum + blockMacs(architecture, units), frameMacs(architecture));
}

function teacherWidths({ depth, hidden }: Architecture): readonly number[] {
  return Array.from({ length: depth }, () => hidden);
}
