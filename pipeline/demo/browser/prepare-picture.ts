import type { Preprocessing } from '../../../datasets/contract.ts';
import { fitPlainly } from '../../../datasets/fit-plainly.ts';
import type { Picture } from './messages.ts';

/**
 * A picture as the model takes it, by the pipeline's own arithmetic (Pillow's): uint8 [height, width, C]. Transparency is dropped
 * without blending, as there.
 * @throws Error where the picture is too long a strip
 */
export function preparePicture({ width, height, rgba }: Picture, preprocessing: Preprocessing): Uint8Array {
  const pixels = new Uint8Array(3 * width * height);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    pixels[to++] = rgba[from]!;
    pixels[to++] = rgba[from + 1]!;
    pixels[to++] = rgba[from + 2]!;
  }
  return fitPlainly({ width, height, channels: 3, pixels }, preprocessing);
}
