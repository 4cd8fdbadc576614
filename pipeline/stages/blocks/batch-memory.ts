import { indices } from '../common/artefacts.ts';
import {
  blockTokens,
  blockWidth,
  layerShapes,
  mixingMacs,
  type Architecture,
} from '../../model/architecture.ts';

// What an image of a batch takes in memory, in bytes. Fitted to peaks of the TensorFlow engine on two threads: ViT-Tiny's width (and
// twice it) with 4 to 12 layers, 257 and 1,370 tokens, batches of 1 to 32; within 15 % of those with 8 layers or more.

/** What all layers save for their gradients: 14 floats per token of D + H, and three of every attention weight. */
export function savedBytes(architecture: Architecture): number {
  return indices(architecture.depth).reduce(
    (sum, block) => sum + 14 * tokenBytes(architecture, block) + 3 * attentionBytes(architecture, block),
    0,
  );
}

/** What training keeps of the teacher's answers, and of the errors that blocks make on its inputs: three floats per token of D + H. */
export function givenBytes(architecture: Architecture): number {
  return indices(architecture.depth).reduce((sum, block) => sum + 3 * tokenBytes(architecture, block), 0);
}

/** A pass without gradients, of the layer that takes most: 20 floats per token of D, and three of every attention weight. */
export function passBytes(architecture: Architecture): number {
  return Math.max(
    ...indices(architecture.depth).map(
      (block) => 20 * streamBytesOf(architecture, block) + 3 * attentionBytes(architecture, block),
    ),
  );
}

/** The residual stream of an image where it is largest. */
export function largestStreamBytes(architecture: Architecture): number {
  return Math.max(...indices(architecture.depth).map((block) => streamBytesOf(architecture, block)));
}

const streamBytesOf = (architecture: Architecture, block: number) =>
  4 * blockTokens(architecture, block) * blockWidth(architecture, block);

/** A float per token of D + H; a gate has as many hidden units again. */
function tokenBytes(architecture: Architecture, block: number): number {
  const { hidden } = layerShapes(architecture)[block]!;
  const units = architecture.gated === true ? 2 : 1;
  return 4 * blockTokens(architecture, block) * (blockWidth(architecture, block) + units * hidden);
}

/** A float per attention weight: scores and weighted values are two products of so many weights with a width. */
function attentionBytes(architecture: Architecture, block: number): number {
  const { heads } = layerShapes(architecture)[block]!;
  const { scores } = mixingMacs(architecture, block);
  return (4 * heads * scores) / (2 * blockWidth(architecture, block));
}
