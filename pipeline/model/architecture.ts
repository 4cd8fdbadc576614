import { familyOf } from './family/families.ts';
import type { Architecture } from './family/family.ts';
import { extentOf } from './family/image-size.ts';

export {
  familyName,
  familyNames,
  familyOf,
  familyProblem,
  isDefaultFamily,
  registerFamily,
  trainableFamilyNames,
} from './family/families.ts';
export { geluNames, poolNames } from './family/family.ts';
export { layerShapes } from './family/layer-shapes.ts';
export type { Architecture, Family, Gelu, LayerShape } from './family/family.ts';
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
  return familyOf(architecture).lastBlockTokens?.(architecture) ?? tokensPerImage(architecture);
}

/** F: how many numbers per image the head's last layer takes, which are a model's features. */
export function featureWidth(architecture: Architecture): number {
  return familyOf(architecture).featureWidth?.(architecture) ?? architecture.width;
}

/** The heads by canonical name, that of the class token first; with two, the answer is the mean of their logits. */
export function headNames(architecture: Architecture): readonly string[] {
  return familyOf(architecture).heads?.(architecture) ?? ['head'];
}

/** D: the width of the stream in block `block`. */
export function blockWidth({ width }: Architecture, _block: number): number {
  return width;
}

/** T: the tokens that block `block`'s FFN sees of an image. */
export function blockTokens(architecture: Architecture, _block: number): number {
  return tokensPerImage(architecture);
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

/** Tokens per image: the patches and what the family puts before them. */
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
