import assert from 'node:assert/strict';
import { bestSharpness, crossEntropyOf, top1Of } from '../../../pipeline/submodels/fusion/score.ts';

describe('submodels/fusion/score', () => {
  it('finds the sharpness whose probabilities are the shares that are right', () => {
    // Margin 2, and 9 of 10 are right: softmax gives 0.9 at ln(9) / 2.
    const logits = Array.from({ length: 10 }, () => [2, 0]).flat();
    const labels = Int32Array.from({ length: 10 }, (_, i) => (i === 0 ? 1 : 0));
    assert.equal(top1Of(logits, labels, 2), 0.9);
    const sharpness = bestSharpness(logits, labels, 2);
    assert.ok(Math.abs(sharpness - Math.log(9) / 2) < 2e-3, `${sharpness}`);
    const entropy = -(0.9 * Math.log(0.9) + 0.1 * Math.log(0.1));
    assert.ok(Math.abs(crossEntropyOf(logits, labels, 2, sharpness) - entropy) < 1e-6);
  });

  it('stays finite for logits of any size', () => {
    assert.ok(Number.isFinite(crossEntropyOf([1e4, -1e4], Int32Array.of(1), 2, 1000)));
  });
});
