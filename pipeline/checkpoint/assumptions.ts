import { imageSizeText, type ImageSize } from '../model/architecture.ts';

/** What nothing tells and weights of another model would show in the same way, for people. */
export function assumptions(model: {
  readonly imageSize: ImageSize;
  readonly isSizeTold: boolean;
  /** The positions have none for the class token. */
  readonly isClassTokenUnplaced: boolean;
  readonly isPoolTold: boolean;
}): readonly string[] {
  const { imageSize, isSizeTold, isClassTokenUnplaced, isPoolTold } = model;
  const positions = `a square of ${imageSizeText(imageSize)} and ${isClassTokenUnplaced ? 'no' : 'a'} position for the class token`;
  return [
    ...(isSizeTold
      ? []
      : [`nothing tells the size of the images: ${positions} are assumed; else teacher.hints.imageSize`]),
    ...(isPoolTold
      ? []
      : [
          'nothing tells what the head reads: the class token is assumed; else teacher.hints.pool: mean or max',
        ]),
  ];
}
