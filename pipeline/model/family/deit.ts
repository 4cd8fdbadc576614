import { withDistillation } from './distillation.ts';
import type { Family } from './family.ts';
import { extentOf } from './image-size.ts';
import { encoderMacs, vitFamily } from './vit.ts';

/**
 * The distilled DeiT (Touvron et al., "Training data-efficient image transformers & distillation through attention", 2021,
 * section 4): a ViT with a distillation token behind the class token and a head of its own for it. The answer is the mean of
 * both heads' logits, or with `reads` that of one head alone.
 */
export const deitFamily: Family = {
  name: 'deit',
  title: 'distilled DeiT',
  prefixTokens: () => 2,
  heads: ({ reads }) => (reads === undefined ? ['head', 'head_dist'] : ['head']),
  lastBlockTokens: ({ reads }) => (reads === undefined ? 2 : 1),
  featureWidth: ({ width, reads }) => (reads === undefined ? 2 * width : width),
  shapes(architecture) {
    const shapes = withDistillation(vitFamily.shapes(architecture), architecture);
    if (architecture.reads === undefined) return shapes;
    return Object.fromEntries(Object.entries(shapes).filter(([name]) => !name.startsWith('head_dist.')));
  },
  frameMacs(architecture) {
    const { imageSize, patchSize, width, classes, reads } = architecture;
    const extent = extentOf(imageSize);
    const tokens = (extent.height / patchSize) * (extent.width / patchSize) + 2;
    return encoderMacs(architecture, tokens) + (reads === undefined ? 2 : 1) * width * classes;
  },
};
