/** Inputs and targets of one block at one level of compression, the class token first of every image's `tokensPerImage` rows. */
export interface Pairs {
  /** LN2's outputs [N, D] */
  readonly inputs: Float32Array;
  /** What the FFN should add to the residual stream [N, D] */
  readonly targets: Float32Array;
  readonly tokensPerImage: number;
  /** D */
  readonly width: number;
}

/** N / tokensPerImage. @throws RangeError where the arrays are no whole images of equal size. */
export function imagesIn({ inputs, targets, tokensPerImage, width }: Pairs): number {
  const images = inputs.length / (tokensPerImage * width);
  if (!Number.isInteger(images) || images < 1 || targets.length !== inputs.length) {
    const found = `${inputs.length} inputs and ${targets.length} targets`;
    throw new RangeError(`${found} are no images of ${tokensPerImage} tokens of width ${width}`);
  }
  return images;
}
