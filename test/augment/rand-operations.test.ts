import assert from 'node:assert/strict';
import { affine } from '../../pipeline/augment/affine.ts';
import { randOperations } from '../../pipeline/augment/rand-operations.ts';
import { pictureOf, pixelsOf, reference, told } from './reference.ts';

describe('randOperations', () => {
  for (const name of Object.keys(randOperations)) {
    it(`${name} gives timm's and Pillow's bytes, in colour and in grey`, () => {
      const cases = reference.operations.filter((stored) => stored.name === name);
      assert.ok(cases.some(({ image }) => image === 'rgb') && cases.some(({ image }) => image === 'grey'));
      for (const { image, magnitude, negated, pixels } of cases) {
        const { strength, apply } = randOperations[name]!;
        const chance = told({ next: [negated ? 0.75 : 0.25] });
        const picture = pictureOf(image);
        const copy = picture.pixels.slice();
        const made = apply(picture, strength?.(magnitude / 10, chance) ?? 0, reference.fill);
        assert.deepEqual(made.pixels, pixelsOf(pixels), `${image}, magnitude ${magnitude}`);
        assert.deepEqual(picture.pixels, copy, 'the picture given stays');
      }
    });
  }

  it('know all that the reference has', () => {
    const stored = new Set(reference.operations.map(({ name }) => name));
    assert.deepEqual([...stored], Object.keys(randOperations));
  });

  it('keep every image as it is at magnitude 0, but for those without a magnitude and SolarizeAdd of nothing', () => {
    const picture = pictureOf('rgb');
    const apply = (name: string) => {
      const { strength, apply } = randOperations[name]!;
      return apply(picture, strength?.(0, told({ next: [0.25] })) ?? 0, reference.fill).pixels;
    };
    for (const name of Object.keys(randOperations)) {
      // Four bits are the most that timm's posterize keeps.
      if (['AutoContrast', 'Equalize', 'Invert', 'Posterize'].includes(name)) continue;
      assert.deepEqual(apply(name), picture.pixels, name);
    }
    assert.deepEqual(
      apply('Posterize'),
      picture.pixels.map((value) => value & 0xf0),
    );
  });

  it('leave images alone that have a single value', () => {
    const flat = { ...pictureOf('grey'), pixels: new Uint8Array(11 * 13).fill(77) };
    for (const name of ['AutoContrast', 'Equalize', 'Contrast', 'Sharpness']) {
      assert.deepEqual(randOperations[name]!.apply(flat, 1.9, [0]).pixels, flat.pixels, name);
    }
  });
});

describe('affine', () => {
  it('moves by whole pixels without changing one, and fills what comes in from outside', () => {
    const picture = pictureOf('rgb');
    const { width, height } = picture;
    const made = affine(picture, [1, 0, 2, 0, 1, -3], [1, 2, 3]);
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const inside = x + 2 < width && y - 3 >= 0;
        for (let c = 0; c < 3; c++) {
          const expected = inside ? picture.pixels[((y - 3) * width + x + 2) * 3 + c] : c + 1;
          assert.equal(made.pixels[(y * width + x) * 3 + c], expected);
        }
      }
    }
  });
});
