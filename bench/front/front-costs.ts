import { layerShapes, tokensPerImage, type Architecture } from '../../pipeline/model/architecture.ts';
import { modelCosts } from '../../pipeline/model/costs.ts';
import { pixelsPerImage } from '../../pipeline/model/family/image-size.ts';

export interface FrontCosts {
  readonly params: number;
  /** Multiply-adds of an image, counted as `modelCosts` does; the cosines that tokens are matched by among them. */
  readonly macs: number;
  /** Most bytes of activations of one image that live at a time. */
  readonly peakBytes: number;
}

/** What a model costs that merges so many tokens after each layer's attention; default: none. */
export function frontCosts(
  architecture: Architecture,
  merged: readonly number[] = new Array<number>(architecture.depth).fill(0),
): FrontCosts {
  const { params, macs } = modelCosts(architecture);
  const whole = tokensPerImage(architecture);
  let tokens = whole;
  let saved = 0;
  let peak = embeddingFloats(architecture);
  for (const [layer, r] of merged.entries()) {
    saved += layerMacs(architecture, layer, whole, 0) - layerMacs(architecture, layer, tokens, r);
    peak = Math.max(peak, layerFloats(architecture, layer, tokens, r));
    tokens -= r;
  }
  return { params, macs: macs - saved, peakBytes: 4 * peak };
}

/** Attention over `tokens`, the matching, and the FFN of those that are left. */
function layerMacs(architecture: Architecture, layer: number, tokens: number, merged: number): number {
  const { width } = architecture;
  const { heads, keySize, valueSize, hidden } = layerShapes(architecture)[layer]!;
  const products = tokens * width * heads * 2 * (keySize + valueSize);
  const attention = tokens ** 2 * heads * (keySize + valueSize);
  const matching = merged === 0 ? 0 : cosines(tokens) * keySize;
  return products + attention + matching + (tokens - merged) * 2 * width * hidden;
}

/** Pairs of a token at an even and one at an odd place. */
function cosines(tokens: number): number {
  return Math.ceil(tokens / 2) * Math.floor(tokens / 2);
}

/** The pixels and the tokens that a convolution makes of them. */
function embeddingFloats(architecture: Architecture): number {
  const { imageSize, channels, width } = architecture;
  return pixelsPerImage(imageSize, channels) + tokensPerImage(architecture) * width;
}

/**
 * The most numbers of one layer that live at a time, where whatever nobody needs any more is freed, softmax and GELU work in place, and
 * scores of all heads are there at once (as every engine here has them). Beside the residual stream: its normalised copy and queries, keys and
 * values; these and the scores; scores, values and what heads put out; what is matched and merged; the normalised stream and the hidden units.
 */
function layerFloats(architecture: Architecture, layer: number, tokens: number, merged: number): number {
  const { width } = architecture;
  const { heads, keySize, valueSize, hidden } = layerShapes(architecture)[layer]!;
  const stream = tokens * width;
  const qkv = tokens * heads * (2 * keySize + valueSize);
  const scores = heads * tokens ** 2;
  const values = tokens * heads * valueSize;
  const left = tokens - merged;
  const merging =
    merged === 0 ? 0 : Math.max(tokens * keySize + cosines(tokens), (tokens + left) * (width + 1));
  return Math.max(
    2 * stream + qkv,
    stream + qkv + scores,
    stream + scores + 2 * values,
    stream + merging,
    left * (2 * width + hidden),
  );
}
