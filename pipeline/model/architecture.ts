/** Everything about a ViT that is not a weight: pre-norm encoder, class token, learned positions, linear head. */
export interface Architecture {
  readonly imageSize: number;
  readonly patchSize: number;
  readonly channels: 1 | 3;
  /** D: width of the residual stream. */
  readonly width: number;
  readonly depth: number;
  readonly heads: number;
  /** H of the teacher's FFN blocks. */
  readonly hidden: number;
  readonly classes: number;
  readonly layerNormEpsilon: number;
  readonly gelu: 'exact' | 'tanh';
}

/** Tokens per image: the patches and the class token. */
export function tokensPerImage({ imageSize, patchSize }: Architecture): number {
  return (imageSize / patchSize) ** 2 + 1;
}

/** The stable name of a block everywhere: files, tables, the manifest. `block-00` is the first encoder layer. */
export function blockName(index: number): string {
  return `block-${String(index).padStart(2, '0')}`;
}

/** `w0384`: the stable name of a width inside its block. */
export function widthName(width: number): string {
  return `w${String(width).padStart(4, '0')}`;
}
