import { withDistillation } from './distillation.ts';
import type { Family } from './family.ts';
import { vitFamily, vitFrameMacs } from './vit.ts';

/**
 * The distilled DeiT (Touvron et al., "Training data-efficient image transformers & distillation through attention", 2021,
 * section 4): a ViT with a distillation token behind the class token and a head of its own for it. The answer is the mean of
 * both heads' logits.
 */
export const deitFamily: Family = {
  name: 'deit',
  title: 'distilled DeiT',
  prefixTokens: () => 2,
  lastBlockTokens: () => 2,
  featureWidth: ({ width }) => 2 * width,
  shapes: (architecture) => withDistillation(vitFamily.shapes(architecture), architecture),
  frameMacs: (architecture) => vitFrameMacs(architecture, 2),
};
