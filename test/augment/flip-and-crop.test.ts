import assert from 'node:assert/strict';
import type { RawBatch } from '../../datasets/contract.ts';
import { flipAndCrop } from '../../pipeline/augment/flip-and-crop.ts';
import { random } from '../../pipeline/util/random.ts';

const size = 5;
function batch(count: number, channels: 1 | 3): RawBatch {
  const pixels = Uint8Array.from({ length: count * size * size * channels }, (_, i) => 1 + (i % 250));
  return {
    ids: Array.from({ length: count }, (_, i) => `${i}`),
    labels: new Int32Array(count),
    pixels,
    count,
    size,
    channels,
  };
}

/** The image at `index` shifted and mirrored the slow way. */
function expected(
  { pixels, channels }: RawBatch,
  index: number,
  dx: number,
  dy: number,
  mirrored: boolean,
): number[] {
  const out: number[] = [];
  for (let y = 0; y < size; y++) {
    for (let x = 0; x < size; x++) {
      for (let c = 0; c < channels; c++) {
        const [fromY, shifted] = [y + dy, x + dx];
        const inside = fromY >= 0 && fromY < size && shifted >= 0 && shifted < size;
        const fromX = mirrored ? size - 1 - shifted : shifted;
        out.push(inside ? pixels[((index * size + fromY) * size + fromX) * channels + c]! : 0);
      }
    }
  }
  return out;
}

describe('flipAndCrop', () => {
  for (const channels of [1, 3] as const) {
    it(`makes shifted and mirrored images and nothing else (${channels} channels)`, () => {
      const given = batch(300, channels);
      const copy = given.pixels.slice();
      const made = flipAndCrop(given, { flip: true, cropPadding: 2 }, random(1));
      assert.deepEqual(given.pixels, copy);
      const bytes = size * size * channels;
      const seen = new Map<string, number>();
      for (let i = 0; i < given.count; i++) {
        const image = [...made.pixels.subarray(i * bytes, (i + 1) * bytes)].join();
        const found: string[] = [];
        for (let dy = -2; dy <= 2; dy++) {
          for (let dx = -2; dx <= 2; dx++) {
            for (const mirrored of [false, true]) {
              if (expected(given, i, dx, dy, mirrored).join() === image)
                found.push(`${dx} ${dy} ${mirrored}`);
            }
          }
        }
        assert.equal(found.length, 1, `image ${i} is ${found.length} variants`);
        seen.set(found[0]!, (seen.get(found[0]!) ?? 0) + 1);
      }
      // 50 variants, six images each on average: nearly all occur, none dominates.
      assert.ok(seen.size > 40 && Math.max(...seen.values()) < 25);
    });
  }

  it('repeats with the seed and does nothing when told so', () => {
    const given = batch(20, 3);
    const setting = { flip: true, cropPadding: 1 };
    assert.deepEqual(
      flipAndCrop(given, setting, random(7)).pixels,
      flipAndCrop(given, setting, random(7)).pixels,
    );
    assert.notDeepEqual(
      flipAndCrop(given, setting, random(7)).pixels,
      flipAndCrop(given, setting, random(8)).pixels,
    );
    assert.equal(flipAndCrop(given, { flip: false, cropPadding: 0 }, random(7)), given);
  });
});
