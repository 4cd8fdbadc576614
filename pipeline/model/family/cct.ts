import type { Architecture, Family, Tokenizer } from './family.ts';
import { extentOf } from './image-size.ts';
import { vitFamily } from './vit.ts';

/**
 * The Compact Convolutional Transformer (Hassani et al., "Escaping the Big Data Paradigm with Compact Transformers", 2021,
 * arXiv 2104.05704, sections 3.3 and 3.4): tokens are places of a map that a few convolutions make, each followed by ReLU and
 * max pooling, so an image needs no whole patches; learned positions; the pre-norm encoder; and instead of a class token the mean
 * of all tokens by weights that a linear layer gives them (sequence pooling). The published code normalises the stream itself behind each attention;
 * the text does not, and neither does this.
 *
 * `patchSize` is how many pixels a token stands for in each direction: each layer halves the map by pooling and divides it by
 * the stride of its convolution, so it is `(2 stride)^layers`.
 */
export const cctFamily: Family = {
  name: 'cct',
  title: 'Compact Convolutional Transformer',
  prefixTokens: () => 0,
  problem({ tokenizer, pool, patchSize }) {
    if (tokenizer === undefined) return 'needs "tokenizer": { layers, kernel, channels }';
    if (tokenizer.kernel % 2 === 0)
      return `a tokenizer with a kernel of ${tokenizer.kernel}: give an odd one`;
    if (pool !== undefined) return 'a pool: its head reads the weighted mean of all tokens';
    const { layers } = tokenizer;
    if (Number.isInteger(strideOf(patchSize, layers))) return undefined;
    return `patchSize ${patchSize} with ${layers} layers of tokenizer, each of which halves the map at least: give (2 stride)^layers, so ${2 ** layers} or ${4 ** layers}`;
  },
  shapes(architecture) {
    const { width, classes } = architecture;
    const shapes: Record<string, readonly number[]> = {};
    for (const [i, { inputs, outputs, kernel }] of convolutions(architecture).entries()) {
      shapes[`tokenizer.${i}.weight`] = [outputs, inputs, kernel, kernel];
      shapes[`tokenizer.${i}.bias`] = [outputs];
    }
    shapes.pos_embed = [1, tokensOf(architecture), width];
    const blocks = Object.entries(vitFamily.shapes(architecture)).filter(([name]) =>
      /^(blocks|norm)\./.test(name),
    );
    return {
      ...shapes,
      ...Object.fromEntries(blocks),
      'attention_pool.weight': [1, width],
      'attention_pool.bias': [1],
      'head.weight': [classes, width],
      'head.bias': [classes],
    };
  },
  frameMacs(architecture) {
    const { width, depth, classes } = architecture;
    const tokens = tokensOf(architecture);
    const tokenizer = convolutions(architecture).map(
      ({ inputs, outputs, kernel, places }) => places * kernel ** 2 * inputs * outputs,
    );
    const attention = tokens * 4 * width ** 2 + 2 * tokens ** 2 * width;
    // The weights of the pooling, and the mean by them.
    const pooling = 2 * tokens * width;
    return tokenizer.reduce((sum, macs) => sum + macs, 0) + depth * attention + pooling + width * classes;
  },
};

/** A convolution of the tokenizer: odd kernel, padded to keep the size but for the stride. */
export interface Convolution {
  readonly inputs: number;
  readonly outputs: number;
  readonly kernel: number;
  readonly stride: number;
  /** Where it is computed, per image. */
  readonly places: number;
}

/** In the order of the forward pass; the last gives the width. @throws Error without a tokenizer: a bug */
export function convolutions({
  tokenizer,
  imageSize,
  patchSize,
  channels,
  width,
}: Architecture): readonly Convolution[] {
  const { layers, kernel, channels: between } = known(tokenizer);
  const stride = strideOf(patchSize, layers);
  const size = extentOf(imageSize);
  return Array.from({ length: layers }, (_, i) => ({
    inputs: i === 0 ? channels : between,
    outputs: i === layers - 1 ? width : between,
    kernel,
    stride,
    places: (size.height * size.width) / ((2 * stride) ** i * stride) ** 2,
  }));
}

function known(tokenizer: Tokenizer | undefined): Tokenizer {
  if (tokenizer === undefined) throw new Error('a cct without a tokenizer');
  return tokenizer;
}

/** Not a whole number where there is none. */
function strideOf(patchSize: number, layers: number): number {
  const reduction = Math.round(patchSize ** (1 / layers));
  return reduction ** layers === patchSize ? reduction / 2 : NaN;
}

function tokensOf({ imageSize, patchSize }: Architecture): number {
  const { height, width } = extentOf(imageSize);
  return (height / patchSize) * (width / patchSize);
}
