import assert from 'node:assert/strict';
import { confusedPairs, confusionOf } from '../../../../pipeline/stages/fleets/page/confusion.ts';
import { pairedOn } from '../../../../pipeline/stages/fleets/page/right-of.ts';
import { pairedDifferencePp, proportionPercent } from '../../../../pipeline/measure/interval.ts';
import { labels, models } from './fixture.ts';

describe('confusion, counted from answers', () => {
  const before = confusionOf(models.teacher, labels, 4);
  const after = confusionOf(models['two/fused'], labels, 4);

  it('counts what each class was taken for', () => {
    assert.deepEqual(before.counts, [
      [2, 1, 0, 0],
      [0, 3, 0, 0],
      [0, 0, 2, 1],
      [0, 0, 1, 2],
    ]);
    assert.deepEqual(after.counts, [
      [3, 0, 0, 0],
      [1, 2, 0, 0],
      [0, 0, 2, 1],
      [0, 0, 0, 3],
    ]);
    assert.deepEqual(before.images, [3, 3, 3, 3]);
  });

  it('leaves out images that a model was not asked about', () => {
    const some = confusionOf([-1, 1], [0, 0], 2);
    assert.deepEqual(
      [some.counts, some.images],
      [
        [
          [0, 1],
          [0, 0],
        ],
        [1, 0],
      ],
    );
  });

  it('ranks the pairs that are confused most before or after', () => {
    assert.deepEqual(confusedPairs(before, after, 10), [
      { classes: [2, 3], before: [1, 1], after: [1, 0], images: 6 },
      { classes: [0, 1], before: [1, 0], after: [0, 1], images: 6 },
    ]);
    assert.equal(confusedPairs(before, after, 1).length, 1);
  });

  it('compares two models on the images of some classes, image by image', () => {
    const paired = { labels, model: models['two/without/pi-00'], reference: models['two/fused'] };
    assert.deepEqual(pairedOn(paired, 0.95, new Set([0, 1])), {
      images: 6,
      model: proportionPercent(2, 6),
      reference: proportionPercent(5, 6),
      change: pairedDifferencePp(0, 3, 6),
    });
    assert.equal(pairedOn(paired, 0.95, new Set([2, 3]))?.change.mean, 0);
    assert.equal(pairedOn(paired, 0.95, new Set([7])), undefined);
  });
});
