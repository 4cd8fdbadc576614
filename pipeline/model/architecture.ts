import { familyOf } from './family/families.ts';
import type { Architecture, MixingMacs } from './family/family.ts';
import { extentOf } from './family/image-size.ts';
import { blockWidth } from './family/layer-shapes.ts';

export {
  familyName,
  familyNames,
  familyOf,
  familyProblem,
  isDefaultFamily,
  registerFamily,
  trainableFamilyNames,
} from './family/families.ts';
export { answerNames, geluNames, poolNames } from './family/family.ts';
export { blockWidth, hiddenUnits, layerShapes } from './family/layer-shapes.ts';
export type { Architecture, Family, Gelu, LayerShape, Stage } from './family/family.ts';
export {
  covers,
  extentOf,
  imageSizeOf,
  imageSizeText,
  isSameSize,
  patchGrid,
  pixelsPerImage,
} from './family/image-size.ts';
export type { ImageSize } from './family/image-size.ts';

/** Tokens before the patches; 1 in a ViT, its class token. */
export function prefixTokens(architecture: Architecture): number {
  return familyOf(architecture).prefixTokens(architecture);
}

/** Tokens per image that the last block's FFN must see: those that the head reads. */
export function lastBlockTokens(architecture: Architecture): number {
  const { depth } = architecture;
  return familyOf(architecture).lastBlockTokens?.(architecture) ?? blockTokens(architecture, depth - 1);
}

/** F: how many numbers per image the head's last layer takes, which are a model's features. */
export function featureWidth(architecture: Architecture): number {
  return familyOf(architecture).featureWidth?.(architecture) ?? architecture.width;
}

/** Whether a model's answer is a logit for each class; else it is a feature vector. */
export function isClassifier({ answer }: Pick<Architecture, 'answer'>): boolean {
  return answer === undefined;
}

/** What graphs call a model's answer. */
export function outputName(architecture: Pick<Architecture, 'answer'>): 'logits' | 'features' {
  return isClassifier(architecture) ? 'logits' : 'features';
}

/** The same model without its head: its answer is what the head took. */
export function withoutHead(architecture: Architecture): Architecture {
  return { ...architecture, answer: 'pooled', classes: featureWidth(architecture) };
}

/** The heads by canonical name, that of the class token first; with two, the answer is the mean of their logits. */
export function headNames(architecture: Architecture): readonly string[] {
  return familyOf(architecture).heads?.(architecture) ?? ['head'];
}

/** The size of an FFN block: hidden units, the width of the stream, and whether it has a gate. */
export interface FfnExtents {
  readonly hidden: number;
  readonly width: number;
  readonly gated?: true | undefined;
}

/** Of block `block` with so many hidden units. */
export function ffnExtents(architecture: Architecture, block: number, hidden: number): FfnExtents {
  const { gated } = architecture;
  return { hidden, width: blockWidth(architecture, block), ...(gated && { gated }) };
}

/** Patches per image: rows times columns. */
export function patchesPerImage({ imageSize, patchSize }: Architecture): number {
  const { height, width } = extentOf(imageSize);
  return (height / patchSize) * (width / patchSize);
}

/** T: tokens per image in the stream of a block, after its mixing. */
export function blockTokens(architecture: Architecture, block: number): number {
  return familyOf(architecture).blockTokens?.(architecture, block) ?? tokensPerImage(architecture);
}

/** Multiply-adds per image of a block's token mixing. */
export function mixingMacs(architecture: Architecture, block: number): MixingMacs {
  const found = familyOf(architecture).mixingMacs?.(architecture, block);
  if (found !== undefined) return found;
  const [tokens, width] = [blockTokens(architecture, block), blockWidth(architecture, block)];
  return { projections: 4 * tokens * width ** 2, scores: 2 * tokens ** 2 * width };
}

/** Tokens per image behind the embedding: the patches and what the family puts before them. */
export function tokensPerImage(architecture: Architecture): number {
  return patchesPerImage(architecture) + prefixTokens(architecture);
}

/** The stable name of a block everywhere: files, tables, the manifest. `block-00` is the first encoder layer. */
export function blockName(index: number): string {
  return `block-${String(index).padStart(2, '0')}`;
}

/** `w0384`: the stable name of a width inside its block. */
export function widthName(width: number): string {
  return `w${String(width).padStart(4, '0')}`;
}
