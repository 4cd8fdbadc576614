import assert from 'node:assert/strict';
import type { RawBatch } from '../../datasets/contract.ts';
import { augmentImages } from '../../pipeline/augment/augment-images.ts';
import { colourJitter } from '../../pipeline/augment/colour-jitter.ts';
import { mirrorImages } from '../../pipeline/augment/mirror-images.ts';
import { dekdAugment, noAugment } from '../../pipeline/augment/schema.ts';
import { random } from '../../pipeline/util/random.ts';
import { pictureOf } from './reference.ts';

/** Copies of a picture of the reference. */
function copies(image: string, count: number): RawBatch {
  const { pixels, height, width, channels } = pictureOf(image);
  return {
    ids: Array.from({ length: count }, (_, i) => `${i}`),
    labels: Int32Array.from({ length: count }, (_, i) => i),
    pixels: Uint8Array.from({ length: count * pixels.length }, (_, i) => pixels[i % pixels.length]!),
    count,
    size: [height, width],
    channels,
  };
}

describe('augmentImages', () => {
  for (const image of ['rgb', 'grey']) {
    it(`varies each image by draws of its own, and the same for the same seed (${image})`, async () => {
      const batch = copies(image, 40);
      const before = batch.pixels.slice();
      const made = await augmentImages(batch, dekdAugment, random(1, 'a'), [124, 116, 104]);
      assert.deepEqual(batch.pixels, before);
      assert.deepEqual({ ...made, pixels: 0 }, { ...batch, pixels: 0 });
      const length = made.pixels.length / 40;
      const views = Array.from({ length: 40 }, (_, i) =>
        made.pixels.subarray(i * length, (i + 1) * length).join(),
      );
      assert.ok(new Set(views).size > 35, `${new Set(views).size} different views`);
      const again = await augmentImages(batch, dekdAugment, random(1, 'a'), [124, 116, 104]);
      assert.deepEqual(again.pixels, made.pixels);
      const other = await augmentImages(batch, dekdAugment, random(1, 'b'), [124, 116, 104]);
      assert.notDeepEqual(other.pixels, made.pixels);
    });
  }

  it('hands back what it is given where nothing is to vary', async () => {
    const batch = copies('rgb', 3);
    const chance = random(1);
    assert.equal(await augmentImages(batch, noAugment, chance), batch);
    assert.equal(chance.next(), random(1).next(), 'and draws nothing');
  });

  it('leaves colour jitter out beside RandAugment, as timm does, and else does it', async () => {
    const batch = copies('rgb', 2);
    const both = { ...noAugment, randAugment: dekdAugment.randAugment, colourJitter: 0.4 };
    const rand = await augmentImages(batch, { ...both, colourJitter: 0 }, random(2));
    assert.deepEqual(await augmentImages(batch, both, random(2)), rand);
    const { pixels } = await augmentImages(batch, { ...both, randAugment: null }, random(2));
    const first = colourJitter(pictureOf('rgb'), 0.4, random(2)).pixels;
    assert.deepEqual(pixels.subarray(0, first.length), first);
  });
});

describe('mirrorImages', () => {
  it('mirrors those that are marked', () => {
    const batch = copies('rgb', 3);
    const { pixels } = mirrorImages(batch, [false, true, false]);
    const [height, width] = batch.size as readonly [number, number];
    const bytes = height * width * 3;
    assert.deepEqual(pixels.subarray(0, bytes), batch.pixels.subarray(0, bytes));
    assert.deepEqual(pixels.subarray(2 * bytes), batch.pixels.subarray(2 * bytes));
    for (let i = 0; i < bytes; i++) {
      const [y, x, c] = [Math.floor(i / 3 / width), Math.floor(i / 3) % width, i % 3];
      assert.equal(pixels[bytes + i], batch.pixels[(y * width + width - 1 - x) * 3 + c]);
    }
    assert.equal(mirrorImages(batch, [false, false, false]), batch);
  });
});
