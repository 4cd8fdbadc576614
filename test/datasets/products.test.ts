import assert from 'node:assert/strict';
import { openProducts } from '../../datasets/sources/products.ts';
import { drawProduct, pairsByClass } from '../../datasets/sources/product-drawing.ts';
import { random } from '../../pipeline/util/random.ts';
import { sha256 } from '../../pipeline/util/hash.ts';
import { present } from '../support/present.ts';

const settings = { images: 600, size: 32, noise: 0.1 };

describe('products source', () => {
  it('has balanced train and test images', () => {
    const { items, classes } = openProducts(settings, 1);
    assert.deepEqual(classes, ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    const count = (origin: string, label: number) =>
      items.filter((item) => item.origin === origin && item.label === label).length;
    for (let label = 0; label < 10; label++) {
      assert.equal(count('train', label), 50);
      assert.equal(count('test', label), 10);
    }
  });

  it('draws the same image for the same seed and id, of a larger set too, and another for another', async () => {
    const one = openProducts(settings, 1);
    const two = openProducts({ ...settings, images: 1200 }, 1);
    const at = async (source: typeof one, id: string) =>
      sha256(await source.content(present(source.items.find((item) => item.id === id))));
    for (const id of ['train:00130', 'train:00007', 'test:00007']) {
      assert.equal(await at(one, id), await at(two, id));
    }
    assert.notEqual(await at(one, 'train:00007'), await at(one, 'test:00007'));
    assert.notEqual(await at(one, 'train:00007'), await at(openProducts(settings, 2), 'train:00007'));
  });

  it('draws what it has always drawn: teachers may have been trained on it', async () => {
    const source = openProducts(settings, 1);
    assert.equal(sha256(await source.content(source.items[27]!)).slice(0, 12), '421dce0a9250');
  });

  it('has every pair of digits once, in the class of the last digit of its product', () => {
    for (const [label, pairs] of pairsByClass.entries()) {
      for (const [first, second] of pairs)
        assert.equal(first * second - label, Math.floor((first * second) / 10) * 10);
    }
    assert.equal(new Set(pairsByClass.flat().map(String)).size, 100);
  });

  it('draws two bright digits and two dark ones; the bright are a pair of the class: 1 x 1 is two strokes, which no pair of 2 is', () => {
    // Pixels of each cell whose lightness is far above, and far below, that of the background.
    const inks = (pixels: Uint8Array) =>
      [0, 1, 2, 3].map((cell) => {
        let [bright, dark] = [0, 0];
        for (let i = 0; i < 256; i++) {
          const y = 16 * Math.floor(cell / 2) + Math.floor(i / 16);
          const at = (y * 32 + 16 * (cell % 2) + (i % 16)) * 3;
          const values = pixels.subarray(at, at + 3);
          const lightness = (Math.max(...values) + Math.min(...values)) / 2;
          if (lightness > 170) bright++;
          if (lightness < 85) dark++;
        }
        return { bright, dark };
      });
    const ofBright = (label: number) =>
      Array.from({ length: 60 }, (_, i) => {
        const cells = inks(drawProduct(label, random(3, i), { size: 32, noise: 0 }));
        const found = cells.filter((cell) => cell.bright > cell.dark);
        assert.equal(found.length, 2, `label ${label}, image ${i}`);
        return Math.max(...found.map((cell) => cell.bright));
      }).sort((a, b) => a - b);
    // Of the four pairs of 1 (1 x 1, 3 x 7, 7 x 3, 9 x 9) the first has a fourth of the images and far less ink.
    const [ones, twos] = [ofBright(1), ofBright(2)];
    const strokes = ones.filter((ink) => ink < 0.8 * present(twos[5])).length;
    assert.ok(strokes >= 6 && strokes <= 26, `${strokes} of 60: ${ones.join(' ')}; ${twos.join(' ')}`);
  });

  it('adds the noise asked for, the same to all channels of a pixel', () => {
    let [sum, count] = [0, 0];
    for (let i = 0; i < 20; i++) {
      const clean = drawProduct(5, random(1, i), { size: 32, noise: 0 });
      const noisy = drawProduct(5, random(1, i), { size: 32, noise: 0.25 });
      for (let at = 0; at < clean.length; at += 3) {
        // Away from the ends nothing is clipped.
        if (clean.subarray(at, at + 3).some((value) => value < 80 || value > 175)) continue;
        const steps = [0, 1, 2].map((channel) => noisy[at + channel]! - clean[at + channel]!);
        assert.ok(Math.max(...steps) - Math.min(...steps) <= 1);
        sum += steps[0]! ** 2;
        count++;
      }
    }
    const deviation = Math.sqrt(sum / count);
    assert.ok(count > 2000 && Math.abs(deviation - 20) < 1, `standard deviation ${deviation}, expected 20`);
  });
});
