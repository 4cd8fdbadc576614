import assert from 'node:assert/strict';
import { compareMean } from '../../../pipeline/submodels/evaluation/compare-mean.ts';
import { compare } from '../../../pipeline/submodels/evaluation/compare.ts';
import { correctAmong } from '../../../pipeline/submodels/evaluation/correct-among.ts';

describe('models on the same images', () => {
  // Four outputs: classes 2, 5, 7 and "other".
  const logits = Float32Array.of(1, 2, 0, 9, 3, 2, 1, 9, 0, 0, 1, -9);

  it('are asked among the same classes, whatever other outputs they have', () => {
    assert.deepEqual([...correctAmong(logits, [5, 5, 7], [2, 5, 7])], [1, 0, 1]);
    assert.deepEqual([...correctAmong(logits, [5, 5, 7], [5, 7], [1, 2])], [1, 1, 1]);
  });

  it('lose ties to the first class, so that constant outputs are no knowledge of the others', () => {
    assert.deepEqual([...correctAmong(new Float32Array(6), [0, 1], [0, 1, 2])], [1, 0]);
    assert.deepEqual([...correctAmong(new Float32Array(0), [], [0, 1])], []);
  });

  it('are compared image by image', () => {
    const compared = compare(Uint8Array.of(1, 1, 0, 0), Uint8Array.of(1, 0, 0, 1), 0.95);
    assert.equal(compared.images, 4);
    assert.equal(compared.top1Percent.mean, 50);
    assert.equal(compared.againstPp.mean, 0);
    assert.ok(compared.againstPp.low < 0 && compared.againstPp.high > 0);
  });

  it('average over several, e.g. over every device that is lost', () => {
    const often = (...scores: number[]) => Uint8Array.from({ length: 40 }, (_, i) => scores[i % 4]!);
    const mean = compareMean([often(1, 0, 1, 0), often(0, 0, 1, 0)], often(1, 1, 1, 1), 0.95);
    assert.equal(mean.top1Percent.mean, 37.5);
    assert.equal(mean.againstPp.mean, -62.5);
    assert.ok(mean.top1Percent.low >= 0 && mean.againstPp.high < 0);
  });
});
