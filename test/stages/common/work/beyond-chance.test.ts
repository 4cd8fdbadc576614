import assert from 'node:assert/strict';
import { isBeyondChance } from '../../../../pipeline/stages/common/work/beyond-chance.ts';
import { random } from '../../../../pipeline/util/random.ts';

describe('answers beyond chance', () => {
  const level = 0.025;
  const labels = Array.from({ length: 40 }, (_, image) => (image % 10 === 0 ? 1 : 0));
  const passes = (predicted: readonly number[], of: readonly number[] = labels) =>
    isBeyondChance({ labels: of, predicted }, level);

  it('are not those of who always says the commonest class, or says it as often as it comes up', () => {
    assert.equal(passes(labels.map(() => 0)), false);
    assert.equal(passes(labels.map(() => 1)), false);
    let passed = 0;
    for (let seed = 0; seed < 40; seed++) {
      const stream = random(seed, 'answers');
      if (passes(labels.map(() => (stream.next() < 0.1 ? 1 : 0)))) passed++;
    }
    assert.ok(passed <= 3, `${passed} of 40`);
  });

  it('are those of a good teacher on unbalanced data, even one that is right less often than the commonest class comes up', () => {
    assert.equal(passes(labels), true);
    assert.equal(
      passes(labels.map((label, image) => (image === 5 || image === 6 ? 1 - label : label))),
      true,
    );
    // 80 % of both classes.
    const many = Array.from({ length: 400 }, (_, image) => (image % 10 === 0 ? 1 : 0));
    assert.equal(
      passes(
        many.map((label, image) => (image % 50 > 39 ? 1 - label : label)),
        many,
      ),
      true,
    );
  });

  it('are told with many classes and an image each', () => {
    const thousand = Array.from({ length: 1000 }, (_, image) => image);
    assert.equal(
      passes(
        thousand.map((label) => (label % 50 === 0 ? label : (label + 1) % 1000)),
        thousand,
      ),
      true,
    );
    assert.equal(
      passes(
        thousand.map((label) => (label + 1) % 1000),
        thousand,
      ),
      false,
    );
  });
});
