import assert from 'node:assert/strict';
import { drawImages, subsetImages } from '../../../pipeline/submodels/training/epoch-draw.ts';
import { divideImages } from '../../../pipeline/submodels/training/held-out-images.ts';

/** Classes 0..5 with 40, 40, 40, 40, 40 and 3 images. */
const labels = Int32Array.from({ length: 203 }, (_, place) => (place < 200 ? place % 5 : 5));
const places = Uint32Array.from(labels, (_, place) => place);
const subset = { classes: [1, 3], other: true };

function perClass(drawn: ArrayLike<number>): number[] {
  const counts = [0, 0, 0, 0, 0, 0];
  for (const place of Array.from(drawn)) counts[labels[place]!]!++;
  return counts;
}

describe('drawImages', () => {
  const images = subsetImages(labels, places, 6, subset, 1);

  it('takes every own image and as many others as an own class has, evenly over their classes', () => {
    const drawn = drawImages(images, 1, 'epoch', 0);
    const counts = perClass(drawn);
    assert.deepEqual([counts[1], counts[3]], [40, 40]);
    // 40 over four classes, one of which has 3: 12 or 13 of each other one.
    assert.equal(counts[5], 3);
    assert.deepEqual([counts[0]!, counts[2]!, counts[4]!].sort(), [12, 12, 13]);
    assert.equal(new Set(drawn).size, drawn.length, 'no image twice');
  });

  it('draws again for every pass, and the same for the same seed and pass', () => {
    const others = (epoch: number, seed = 1) =>
      Array.from(drawImages(images, seed, 'epoch', epoch)).filter(
        (place) => ![1, 3].includes(labels[place]!),
      );
    assert.deepEqual(others(3), others(3));
    assert.notDeepEqual(others(3).sort(), others(4).sort());
    assert.notDeepEqual(others(3).sort(), others(3, 2).sort());
  });

  it('multiplies the others, up to all there are, and draws none where no output stands for them', () => {
    assert.equal(subsetImages(labels, places, 6, subset, 2).othersDrawn, 80);
    assert.equal(subsetImages(labels, places, 6, subset, 9).othersDrawn, 123);
    const none = subsetImages(labels, places, 6, { classes: [1, 3], other: false }, 1);
    assert.deepEqual(perClass(drawImages(none, 1, 'epoch', 0)), [0, 40, 0, 40, 0, 0]);
  });
});

describe('divideImages', () => {
  it('holds out the same share of every class, the same images whoever asks', () => {
    const { training, heldOut } = divideImages(labels, 0.1, 7);
    assert.deepEqual(perClass(heldOut), [4, 4, 4, 4, 4, 1]);
    assert.deepEqual(
      [...training, ...heldOut].sort((a, b) => a - b),
      [...places],
    );
    assert.deepEqual(divideImages(labels, 0.1, 7), { training, heldOut });
    assert.notDeepEqual(divideImages(labels, 0.1, 8).heldOut, heldOut);
  });

  it('leaves the only image of a class to the training', () => {
    assert.deepEqual(divideImages([0, 1, 1], 0.1, 1).training.length, 2);
    assert.ok(divideImages([0, 1, 1], 0.1, 1).training.includes(0));
  });
});
