import type { Architecture, Family, Stage } from './family.ts';
import { extentOf } from './image-size.ts';
import { blockWidth, layerShapes, placeInStages } from './layer-shapes.ts';

/**
 * The Swin Transformer (Liu et al., "Swin Transformer: Hierarchical Vision Transformer using Shifted Windows", 2021, arXiv 2103.14030,
 * section 3): a pre-norm encoder in stages, attention within windows of tokens, moved by half a window in every second block of a
 * stage, with a learned bias for every relative position of two tokens in place of positions; between two stages four neighbouring
 * tokens become one, wider, by a LayerNorm and a matrix without bias (in the first block of the stage that they enter); a LayerNorm behind the patch embedding;
 * and a head on the mean of the normalised tokens.
 *
 * Windows and halvings must come out even: the published models for sizes at which they do not fill up with zeros, each library in its own way.
 */
export const swinFamily: Family = {
  name: 'swin',
  title: 'Swin Transformer',
  prefixTokens: () => 0,
  problem,
  blockTokens: (architecture, block) => sideIn(architecture, placeInStages(architecture, block).stage) ** 2,
  mixingMacs,
  shapes(architecture) {
    const { patchSize, channels, classes } = architecture;
    const first = blockWidth(architecture, 0);
    const shapes: Record<string, readonly number[]> = {
      'patch_embed.proj.weight': [first, channels, patchSize, patchSize],
      'patch_embed.proj.bias': [first],
      'patch_embed.norm.weight': [first],
      'patch_embed.norm.bias': [first],
    };
    for (const [block, { heads, hidden }] of layerShapes(architecture).entries()) {
      const width = blockWidth(architecture, block);
      const merged = mergedWidth(architecture, block);
      const { window } = swinWindow(architecture, block);
      const layers: [string, readonly number[]][] = [
        ['norm1', [width]],
        ['attn.qkv', [3 * width, width]],
        ['attn.proj', [width, width]],
        ['norm2', [width]],
        ['mlp.fc1', [hidden, width]],
        ['mlp.fc2', [width, hidden]],
      ];
      if (merged !== undefined) {
        shapes[`blocks.${block}.downsample.norm.weight`] = [merged];
        shapes[`blocks.${block}.downsample.norm.bias`] = [merged];
        shapes[`blocks.${block}.downsample.reduction.weight`] = [width, merged];
      }
      for (const [layer, shape] of layers) {
        if (layer === 'attn.qkv')
          shapes[`blocks.${block}.attn.relative_position_bias_table`] = [(2 * window - 1) ** 2, heads];
        shapes[`blocks.${block}.${layer}.weight`] = shape;
        shapes[`blocks.${block}.${layer}.bias`] = [shape[0]!];
      }
    }
    const { width } = architecture;
    shapes['norm.weight'] = [width];
    shapes['norm.bias'] = [width];
    shapes['head.weight'] = [classes, width];
    shapes['head.bias'] = [classes];
    return shapes;
  },
  frameMacs(architecture) {
    const { depth, width, patchSize, channels, classes } = architecture;
    const embedding = sideIn(architecture, 0) ** 2 * patchSize ** 2 * channels * blockWidth(architecture, 0);
    const mixing = Array.from({ length: depth }, (_, block) => mixingMacs(architecture, block));
    return (
      mixing.reduce((sum, { projections, scores }) => sum + projections + scores, embedding) + width * classes
    );
  },
};

/** Where the attention of a block looks. */
export interface SwinWindow {
  /** Rows and columns of tokens of the whole image. */
  readonly side: number;
  /** Rows and columns of a window. */
  readonly window: number;
  /** How many rows up and columns left the image is moved before it is cut into windows. */
  readonly shift: number;
}

/** The window is never larger than the image; where it is all of it, nothing is moved. */
export function swinWindow(architecture: Architecture, block: number): SwinWindow {
  const { stage, place } = placeInStages(architecture, block);
  const side = sideIn(architecture, stage);
  const { window: most = side } = architecture;
  return side <= most
    ? { side, window: side, shift: 0 }
    : { side, window: most, shift: place % 2 === 0 ? 0 : Math.floor(most / 2) };
}

/** Width of the four tokens, side by side, that become one before the block; undefined where none do. */
export function mergedWidth(architecture: Architecture, block: number): number | undefined {
  const { stage, place } = placeInStages(architecture, block);
  return place > 0 || stage === 0 ? undefined : 4 * blockWidth(architecture, block - 1);
}

function mixingMacs(architecture: Architecture, block: number) {
  const { side, window } = swinWindow(architecture, block);
  const width = blockWidth(architecture, block);
  const merged = mergedWidth(architecture, block) ?? 0;
  return {
    projections: side ** 2 * width * (merged + 4 * width),
    scores: 2 * side ** 2 * window ** 2 * width,
  };
}

/** Rows of tokens in a stage, as many as columns. */
function sideIn({ imageSize, patchSize }: Architecture, stage: number): number {
  return extentOf(imageSize).height / patchSize / 2 ** stage;
}

function problem(architecture: Architecture): string | undefined {
  const { stages, window, imageSize, pool, tokenizer, gated } = architecture;
  if (stages === undefined || window === undefined)
    return 'needs "stages": [{ depth, width, heads, hidden }, ...] and "window"';
  if (pool !== undefined) return 'a pool: its head reads the mean of the normalised tokens';
  if (tokenizer !== undefined) return 'has a tokenizer: only a cct has one';
  if (gated === true) return 'has gated feed-forward blocks';
  const { height, width } = extentOf(imageSize);
  if (height !== width) return `images of ${height} x ${width} pixels: give squares`;
  return stages.map((stage, index) => stageProblem(architecture, window, stage, index)).find(Boolean);
}

function stageProblem(
  architecture: Architecture,
  window: number,
  { width, heads }: Stage,
  stage: number,
): string | undefined {
  if (width % heads !== 0) return `${heads} heads for a width of ${width}`;
  const side = sideIn(architecture, stage);
  if (!Number.isInteger(side)) {
    return stage === 0
      ? `images of ${extentOf(architecture.imageSize).height} pixels, which patches of ${architecture.patchSize} do not divide`
      : `${2 * side} rows of tokens in stage ${stage - 1}, which cannot be halved`;
  }
  if (side <= window || side % window === 0) return undefined;
  return `${side} rows of tokens in stage ${stage}, which windows of ${window} do not divide (they are not filled up with zeros)`;
}
