import type { Architecture, Family } from './family.ts';
import { extentOf } from './image-size.ts';

/**
 * The pre-norm ViT with a class token, learned positions and a linear head (Dosovitskiy et al. 2021, section 3.1); the head
 * reads the class token or, with `pool`, the patches.
 */
export const vitFamily: Family = {
  name: 'vit',
  title: 'Vision Transformer',
  prefixTokens: () => 1,
  lastBlockTokens: (architecture) => (architecture.pool === undefined ? 1 : patches(architecture) + 1),
  shapes(architecture) {
    const { patchSize, channels, width, depth, hidden, classes } = architecture;
    const shapes: Record<string, readonly number[]> = {
      cls_token: [1, 1, width],
      pos_embed: [1, patches(architecture) + 1, width],
      'patch_embed.proj.weight': [width, channels, patchSize, patchSize],
      'patch_embed.proj.bias': [width],
    };
    for (let i = 0; i < depth; i++) {
      const layers: [string, [number, number?]][] = [
        ['norm1', [width]],
        ['attn.qkv', [3 * width, width]],
        ['attn.proj', [width, width]],
        ['norm2', [width]],
        ['mlp.fc1', [hidden, width]],
        ['mlp.fc2', [width, hidden]],
      ];
      for (const [layer, shape] of layers) {
        shapes[`blocks.${i}.${layer}.weight`] = shape as number[];
        shapes[`blocks.${i}.${layer}.bias`] = [shape[0]];
      }
    }
    shapes['norm.weight'] = [width];
    shapes['norm.bias'] = [width];
    shapes['head.weight'] = [classes, width];
    shapes['head.bias'] = [classes];
    return shapes;
  },
  frameMacs: (architecture) => vitFrameMacs(architecture, 1),
};

/** With so many tokens before the patches, each with a head of its own. */
export function vitFrameMacs(architecture: Architecture, prefix: number): number {
  const { width, depth, patchSize, channels, classes } = architecture;
  const tokens = patches(architecture) + prefix;
  const embedding = patches(architecture) * patchSize ** 2 * channels * width;
  // q, k, v and the output projection, then the scores and the weighted sum of values.
  const attention = tokens * 4 * width ** 2 + 2 * tokens ** 2 * width;
  return embedding + depth * attention + prefix * width * classes;
}

function patches({ imageSize, patchSize }: Architecture): number {
  const { height, width } = extentOf(imageSize);
  return (height / patchSize) * (width / patchSize);
}
