import assert from 'node:assert/strict';
import { openShapes } from '../../datasets/sources/shapes.ts';
import { sha256 } from '../../pipeline/util/hash.ts';
import { present } from '../support/present.ts';

const settings = { images: 600, size: 32, noise: 0.35 };

describe('shapes source', () => {
  it('has balanced train and test images', () => {
    const { items, classes } = openShapes(settings, 1);
    assert.equal(classes.length, 10);
    const count = (origin: string, label: number) =>
      items.filter((item) => item.origin === origin && item.label === label).length;
    for (let label = 0; label < 10; label++) {
      assert.equal(count('train', label), 50);
      assert.equal(count('test', label), 10);
    }
  });

  it('draws the same image for the same seed and id, whatever was asked before', async () => {
    const one = openShapes(settings, 1);
    const two = openShapes({ ...settings, images: 1200 }, 1);
    const at = (source: typeof one, id: string) =>
      source.content(present(source.items.find((item) => item.id === id)));
    await at(two, 'train:00200');
    for (const id of ['train:00007', 'train:00130', 'test:00007']) {
      assert.equal(sha256(await at(one, id)), sha256(await at(two, id)));
    }
    assert.notEqual(sha256(await at(one, 'train:00007')), sha256(await at(one, 'test:00007')));
    assert.notEqual(
      sha256(await at(one, 'train:00007')),
      sha256(await at(openShapes(settings, 2), 'train:00007')),
    );
  });

  it('draws what it is told to expect on few sheets, and the same images', async () => {
    const expected = openShapes({ ...settings, images: 1200 }, 1);
    const byPage = openShapes({ ...settings, images: 1200 }, 1);
    // Of three pages, some of one place, and one asked for unexpected.
    const some = Array.from({ length: 48 }, (_, i) => expected.items[(i * 65) % 192]!);
    expected.expect?.(some);
    for (const item of [...some, present(expected.items.at(-1))]) {
      assert.equal(sha256(await expected.content(item)), sha256(await byPage.content(item)), item.id);
    }
  });

  it('draws images that differ, with the noise asked for', async () => {
    const clean = openShapes({ ...settings, noise: 0 }, 1);
    const noisy = openShapes({ ...settings, noise: 0.5 }, 1);
    const some = clean.items.slice(0, 64);
    const contents = await Promise.all(some.map((item) => clean.content(item)));
    assert.equal(new Set(contents.map((content) => sha256(content))).size, 64);
    let sum = 0;
    let count = 0;
    for (const [i, item] of some.entries()) {
      const other = await noisy.content(item);
      for (let at = 0; at < other.length; at++) {
        // Away from the ends nothing is clipped.
        if (contents[i]![at]! < 100 || contents[i]![at]! > 155) continue;
        sum += (other[at]! - contents[i]![at]!) ** 2;
        count++;
      }
    }
    const deviation = Math.sqrt(sum / count);
    assert.ok(count > 10_000 && Math.abs(deviation - 40) < 2, `standard deviation ${deviation}, expected 40`);
  });

  it('paints the figure where the class says: stripes repeat downwards, dots also sideways', async () => {
    const source = openShapes({ images: 300, size: 32, noise: 0 }, 1);
    // Mean absolute step along each axis through the middle of squares (labels 1 and 6).
    const steps = async (label: number) => {
      let [across, down] = [0, 0];
      for (const item of source.items.filter((item) => item.label === label).slice(0, 12)) {
        const pixels = await source.content(item);
        for (let y = 10; y < 22; y++) {
          for (let x = 10; x < 22; x++) {
            const at = (y * 32 + x) * 3;
            across += Math.abs(pixels[at + 3]! - pixels[at]!);
            down += Math.abs(pixels[at + 96]! - pixels[at]!);
          }
        }
      }
      return across / down;
    };
    const [striped, dotted] = [await steps(1), await steps(6)];
    assert.ok(striped < 0.5 && dotted > 0.7, `striped ${striped.toFixed(2)}, dotted ${dotted.toFixed(2)}`);
  });
});
