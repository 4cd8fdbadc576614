import assert from 'node:assert/strict';
import { colourJitter } from '../../pipeline/augment/colour-jitter.ts';
import { pictureOf, pixelsOf, reference, told } from './reference.ts';

describe('colourJitter', () => {
  it("gives torchvision's bytes in any order, in colour and in grey", () => {
    for (const { image, share, order, draws, pixels } of reference.jitters) {
      const made = colourJitter(pictureOf(image), share, told({ next: draws, order }));
      assert.deepEqual(made.pixels, pixelsOf(pixels), `${image}, order ${order.join()}`);
    }
  });
});
