import assert from 'node:assert/strict';
import { unseenOrder } from '../../../../pipeline/stages/common/work/order-power.ts';

describe('what some images would not show of a wrong order', () => {
  const unseen = (classes: number, images: number, first = images) => {
    const labels = Array.from({ length: classes }, (_, index) =>
      new Array<number>(index === 0 ? first : images).fill(index),
    ).flat();
    return unseenOrder({ labels, predicted: labels }, classes);
  };

  it('is all of it with an image for each class, an exchange with few, nothing with many', () => {
    assert.equal(unseen(12, 1), 'all');
    assert.equal(unseen(12, 4), 'pairs');
    assert.equal(unseen(12, 12), undefined);
    assert.equal(unseen(12, 12, 1), undefined, 'the images of the other class tell');
    assert.equal(unseen(1, 5), undefined);
  });
});
