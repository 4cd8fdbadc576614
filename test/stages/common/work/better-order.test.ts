import assert from 'node:assert/strict';
import { betterOrder } from '../../../../pipeline/stages/common/work/better-order.ts';
import { clearlyBetter } from '../../../../pipeline/stages/common/work/clearly-better.ts';
import { random } from '../../../../pipeline/util/random.ts';

describe('a better order of the classes', () => {
  /**
   * A teacher that is right on a share of the images and else says any class or, as `confuses` tells, the next one; whose
   * classes are in the order that `outputs` tells.
   */
  const predictions = (
    {
      classes,
      each,
      accuracy,
      confuses = 0,
    }: { classes: number; each: number; accuracy: number; confuses?: number },
    outputs: (index: number) => number,
    seed = 1,
  ) => {
    const stream = random(seed, 'better-order');
    const labels = Array.from({ length: classes * each }, (_, image) => image % classes);
    const says = (own: number) => {
      if (stream.next() < accuracy) return own;
      return stream.next() < confuses ? own ^ 1 : stream.integer(classes);
    };
    return { labels, predicted: labels.map((label) => says(outputs(label))) };
  };
  const inPlace = (index: number) => index;
  const reversed = (classes: number) => (index: number) => classes - 1 - index;
  const swapped = (index: number) => (index < 2 ? 1 - index : index);
  const none = new Map<string, readonly number[]>();

  it('is a named one where that explains what the teacher says', () => {
    const natural = Array.from({ length: 12 }, (_, index) => reversed(12)(index));
    const named = new Map([
      ['code-unit', Array.from({ length: 12 }, (_, index) => index)],
      ['natural', natural],
    ]);
    const found = betterOrder(predictions({ classes: 12, each: 4, accuracy: 1 }, reversed(12)), 12, named);
    assert.deepEqual(found, { name: 'natural', outputs: natural, correct: 48 });
    // One image for each class is enough for an order that was not made from them.
    assert.equal(
      betterOrder(predictions({ classes: 12, each: 1, accuracy: 1 }, reversed(12)), 12, named)?.name,
      'natural',
    );
  });

  it('is the permutation that most images agree with, of a good teacher and of a mediocre one', () => {
    for (const accuracy of [1, 0.8, 0.5]) {
      const found = betterOrder(predictions({ classes: 10, each: 20, accuracy }, reversed(10)), 10, none);
      assert.deepEqual(found?.outputs, [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
      assert.equal(found.name, undefined);
    }
  });

  it('is found where only two classes of many are exchanged', () => {
    const found = betterOrder(predictions({ classes: 50, each: 20, accuracy: 0.9 }, swapped), 50, none);
    assert.deepEqual(found?.outputs.slice(0, 3), [1, 0, 2]);
  });

  it('is not found for a teacher whose classes are in order, however good it is and however few the images are', () => {
    const natural = new Map([['natural', Array.from({ length: 1000 }, (_, index) => (index * 7) % 1000)]]);
    for (let seed = 0; seed < 4; seed++) {
      for (const accuracy of [0.95, 0.6, 0.35, 0.15]) {
        for (const confuses of [0, 0.5]) {
          // Who takes most images of a class for another has its classes in that order.
          if (confuses > 0 && accuracy < 0.3) continue;
          for (const [classes, each] of [
            [4, 8],
            [10, 5],
            [10, 50],
            [40, 2],
            [100, 1],
            [100, 4],
          ] as const) {
            const made = predictions({ classes, each, accuracy, confuses }, inPlace, seed);
            assert.equal(
              betterOrder(made, classes, none),
              undefined,
              `${classes} x ${each}, ${accuracy}, ${confuses}, ${seed}`,
            );
          }
        }
      }
    }
    const thousand = predictions({ classes: 1000, each: 1, accuracy: 0.4 }, inPlace);
    assert.equal(betterOrder(thousand, 1000, natural), undefined);
  });

  it('is not what two classes are that the teacher takes for each other half of the time', () => {
    for (let seed = 0; seed < 4; seed++) {
      const made = predictions({ classes: 10, each: 50, accuracy: 0.45, confuses: 1 }, inPlace, seed);
      assert.equal(betterOrder(made, 10, none), undefined);
    }
  });

  it('needs twice as many images for it as against it, and more than luck gives', () => {
    assert.equal(clearlyBetter(10, 0, 0.001), true);
    assert.equal(clearlyBetter(9, 0, 0.001), false);
    assert.equal(clearlyBetter(190, 100, 0.001), false);
    assert.equal(clearlyBetter(200, 100, 0.001), true);
    assert.equal(clearlyBetter(0, 0, 0.001), false);
    assert.equal(clearlyBetter(20_000, 4000, 0.001), true);
  });
});
