import type { Box } from './box.ts';

/** [boxes, height, width]: ones within each box, zeros elsewhere; an absent box has none. */
export function boxMask(boxes: readonly (Box | undefined)[], height: number, width: number): Float32Array {
  const mask = new Float32Array(boxes.length * height * width);
  boxes.forEach((box, image) => {
    if (box === undefined) return;
    for (let y = box.top; y < box.top + box.height; y++) {
      const start = (image * height + y) * width + box.left;
      mask.fill(1, start, start + box.width);
    }
  });
  return mask;
}
