import { extentOf } from '../../model/family/image-size.ts';
import type { DemoDocument } from '../demo-document.ts';

/** Shows prepared pixels, uint8 [height, width, C], in a canvas of their size. */
export function drawPixels(
  canvas: HTMLCanvasElement,
  pixels: Uint8Array,
  { architecture: { imageSize, channels } }: Pick<DemoDocument, 'architecture'>,
): void {
  const { width, height } = extentOf(imageSize);
  canvas.width = width;
  canvas.height = height;
  const shown = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) shown.data[4 * i + c] = pixels[channels * i + (channels === 3 ? c : 0)]!;
    shown.data[4 * i + 3] = 255;
  }
  canvas.getContext('2d')?.putImageData(shown, 0, 0);
}
