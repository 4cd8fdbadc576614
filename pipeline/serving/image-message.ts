import { pixelsPerImage } from '../model/family/image-size.ts';
import type { Preprocessing } from '../../datasets/contract.ts';
import { openImage } from './open-image.ts';
import { deviceProtocol, type ImageBytes } from './protocol.ts';
import { fail } from '../util/failure.ts';
import { defaultLimits } from './serving-limits.ts';

/** In which form images travel: `smaller` is the one of fewer bytes. */
export type ImageForm = 'smaller' | 'encoded' | 'pixels';

/**
 * An image as it is sent to all devices, made once: the file as it is, or the pixels that the models see.
 * @param content bytes of a file
 * @param name for messages
 * @throws BlockForgeError `data-invalid`
 */
export async function imageBytes(
  content: Uint8Array,
  preprocessing: Preprocessing,
  name: string,
  form: ImageForm = 'smaller',
): Promise<ImageBytes> {
  const size = pixelsPerImage(preprocessing.crop, preprocessing.channels);
  if (content.length === 0)
    return fail({ reason: 'data-invalid', subject: name, found: 'the file is empty' });
  if (form === 'encoded' || (form === 'smaller' && content.length <= size)) return { encoded: content };
  try {
    return { pixels: await openImage(content, preprocessing, defaultLimits.maxPixels) };
  } catch (error) {
    return fail({ reason: 'data-invalid', subject: name, found: (error as Error).message }, error);
  }
}

/** An `ExtractRequest` in bytes: made once, sent to all devices. */
export function imageMessage(image: ImageBytes): Buffer {
  return deviceProtocol.Extract.requestSerialize(image);
}
