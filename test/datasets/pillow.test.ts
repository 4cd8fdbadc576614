import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { decodeImage } from '../../datasets/decode-image.ts';

/** Made by `make.py` beside them, with what Pillow 12 reads in each. */
const folder = join(import.meta.dirname, '../fixtures/images');
const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8')) as Record<string, string>;

/** Of 255, where it is not exact. */
const tolerance: Readonly<Record<string, number>> = { 'grey-alpha16.png': 1, 'lossy.avif': 1 };
const refused: Readonly<Record<string, RegExp>> = {
  'grey16.png': /16-bit grey, which Pillow turns white/,
  'grey16.tif': /16-bit grey, which Pillow turns white/,
  'grey16.pgm': /16-bit grey, which Pillow turns white/,
  'transparent.gif': /transparent pixels/,
};

describe('decoded images, against Pillow', () => {
  for (const [name, pixels] of Object.entries(expected)) {
    const content = () => readFileSync(join(folder, name));
    const reason = refused[name];
    if (reason !== undefined) {
      it(`${name} is refused`, () => assert.rejects(decodeImage(content()), reason));
      continue;
    }
    it(`${name} is the same`, async () => {
      const image = await decodeImage(content());
      const theirs = Buffer.from(pixels, 'base64');
      assert.equal(image.width * image.height * 3, theirs.length);
      const worst = theirs.reduce((most, value, at) => {
        const ours = image.pixels[image.channels === 3 ? at : Math.floor(at / 3)] ?? NaN;
        return Math.max(most, Math.abs(ours - value));
      }, 0);
      assert.ok(worst <= (tolerance[name] ?? 0), `off by ${worst}`);
    });
  }

  it('are all there are', () => {
    const names = readdirSync(folder).filter((name) => !/\.(py|json)$/.test(name));
    assert.deepEqual(names.sort(), Object.keys(expected).sort());
  });

  it('are whole: a cut file is never read as an image with a grey rest', async () => {
    for (const name of Object.keys(expected)) {
      // The first frame of the animation is whole.
      if (/transparent\.gif|animated|grey16/.test(name)) continue;
      const content = readFileSync(join(folder, name));
      await assert.rejects(decodeImage(content.subarray(0, content.length * 0.6)), Error, name);
    }
  });

  it('are pictures: what is a program, or claims an absurd size, is refused', async () => {
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    await assert.rejects(decodeImage(svg), /svg is not among the formats/);
    await assert.rejects(decodeImage(Buffer.from('P6 90000 90000 255\n')), /90000x90000 pixels/);
    const bmp = readFileSync(join(folder, 'rgb.bmp'));
    bmp.writeInt32LE(90_000, 18);
    bmp.writeInt32LE(-90_000, 22);
    await assert.rejects(decodeImage(bmp), /90000x90000 pixels/);
    bmp.writeInt32LE(2, 30);
    bmp.writeInt32LE(9, 18);
    bmp.writeInt32LE(9, 22);
    await assert.rejects(decodeImage(bmp), /compression 2/);
  });
});
