import assert from 'node:assert/strict';
import { z } from 'zod';
import { augmentFields, dekdAugment, noAugment } from '../../pipeline/augment/schema.ts';

describe('augmentFields', () => {
  const schema = z.strictObject(augmentFields);

  it('vary nothing by default', () => {
    const { flip, cropPadding, randAugment, colourJitter, erase, mixup, cutmix, smoothing, repeats } =
      noAugment;
    const found = [flip, cropPadding, randAugment, colourJitter, erase, mixup, cutmix, smoothing, repeats];
    assert.deepEqual(found, [false, 0, null, 0, { probability: 0 }, 0, 0, 0, 1]);
  });

  it('refuse what is no probability, no alpha, no count', () => {
    for (const wrong of [
      { erase: { probability: 1.1 } },
      { mixup: -0.1 },
      { repeats: 0 },
      { randAugment: { magnitude: 11 } },
      { cutMix: 1 },
    ]) {
      assert.equal(schema.safeParse(wrong).success, false, JSON.stringify(wrong));
    }
  });

  it("have DeViT's published values", () => {
    const { randAugment, colourJitter, erase, mixup, cutmix, mixProbability, switchProbability, smoothing } =
      dekdAugment;
    assert.deepEqual(randAugment, { operations: 2, magnitude: 9, deviation: 0.5 });
    assert.deepEqual([colourJitter, erase.probability, mixup, cutmix], [0.4, 0.25, 0.8, 1]);
    assert.deepEqual([mixProbability, switchProbability, smoothing], [1, 0.5, 0.1]);
    assert.equal(dekdAugment.repeats, 3);
  });
});
