import { withDistillation } from './distillation.ts';
import type { Architecture, Family } from './family.ts';
import { extentOf } from './image-size.ts';
import { layerShapes } from './layer-shapes.ts';

/**
 * A ViT of which parts were cut out: a narrower stream, and layers of different heads, key, value and FFN sizes. Its norms
 * are RMS norms without bias, `x / sqrt(sum(x^2) / normWidth + epsilon) * weight`, which every ViT can be written with
 * (centring, gain and bias go into the layers around; Ashkboos et al., "SliceGPT", 2024, section 3) and which do not mind in
 * which basis the stream is. `attn.qkv` has the rows of q head by head, then those of k, then those of v; attention divides
 * by the root of the key size. With `distilled`, what a distilled DeiT was: two tokens before the patches, two heads.
 */
export const slicedVitFamily: Family = {
  name: 'sliced-vit',
  title: 'sliced Vision Transformer',
  derived: true,
  prefixTokens,
  heads: ({ distilled }) => (distilled === true ? ['head', 'head_dist'] : ['head']),
  featureWidth: (architecture) => prefixTokens(architecture) * architecture.width,
  lastBlockTokens: (architecture) =>
    architecture.pool === undefined ? prefixTokens(architecture) : patches(architecture) + 1,
  shapes(architecture) {
    const { patchSize, channels, width, classes } = architecture;
    const shapes: Record<string, readonly number[]> = {
      cls_token: [1, 1, width],
      pos_embed: [1, patches(architecture) + 1, width],
      'patch_embed.proj.weight': [width, channels, patchSize, patchSize],
      'patch_embed.proj.bias': [width],
    };
    for (const [i, { heads, keySize, valueSize, hidden }] of layerShapes(architecture).entries()) {
      const matrices: [string, readonly [number, number]][] = [
        ['attn.qkv', [heads * (2 * keySize + valueSize), width]],
        ['attn.proj', [width, heads * valueSize]],
        ['mlp.fc1', [hidden, width]],
        ['mlp.fc2', [width, hidden]],
      ];
      for (const [layer, shape] of matrices) {
        if (layer === 'attn.qkv') shapes[`blocks.${i}.norm1.weight`] = [width];
        if (layer === 'mlp.fc1') shapes[`blocks.${i}.norm2.weight`] = [width];
        shapes[`blocks.${i}.${layer}.weight`] = shape;
        shapes[`blocks.${i}.${layer}.bias`] = [shape[0]];
      }
    }
    shapes['norm.weight'] = [width];
    shapes['head.weight'] = [classes, width];
    shapes['head.bias'] = [classes];
    return architecture.distilled === true ? withDistillation(shapes, architecture) : shapes;
  },
  frameMacs(architecture) {
    const { width, patchSize, channels, classes } = architecture;
    const prefix = prefixTokens(architecture);
    const tokens = patches(architecture) + prefix;
    const embedding = patches(architecture) * patchSize ** 2 * channels * width;
    // q, k, v and the output projection, then the scores and the weighted sum of values.
    const attention = layerShapes(architecture).map(
      ({ heads, keySize, valueSize }) =>
        2 * heads * (keySize + valueSize) * (tokens * width + tokens ** 2 / 2),
    );
    return embedding + attention.reduce((sum, macs) => sum + macs, 0) + prefix * width * classes;
  },
};

function prefixTokens({ distilled }: Architecture): number {
  return distilled === true ? 2 : 1;
}

function patches({ imageSize, patchSize }: Architecture): number {
  const { height, width } = extentOf(imageSize);
  return (height / patchSize) * (width / patchSize);
}
