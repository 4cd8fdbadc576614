import assert from 'node:assert/strict';
import { submodelScores } from '../../../pipeline/submodels/training/submodel-scores.ts';

describe('submodelScores', () => {
  const log = (...p: number[]) => p.map(Math.log);
  /** Four classes, of which the sub-model knows 2 and 0. */
  const teacher = Float32Array.from([...log(0.6, 0.1, 0.2, 0.1), ...log(0.1, 0.7, 0.1, 0.1)]);
  const same = Float32Array.from([...log(0.2, 0.6, 0.2), ...log(0.1, 0.1, 0.8)]);

  it('is 0 from a teacher whose probabilities it has, others added up', () => {
    const scores = submodelScores(same, teacher, [0, 1], { classes: [2, 0], other: true });
    assert.ok(Math.abs(scores.divergence) < 1e-6);
    assert.deepEqual([scores.ownAccuracy, scores.accuracy], [1, 1]);
  });

  it('counts own images among own classes, and all images among all outputs', () => {
    // Class 0 is likelier than class 2, but "another one" is likelier still.
    const logits = Float32Array.from([...log(0.1, 0.2, 0.7), ...log(0.6, 0.1, 0.3)]);
    const scores = submodelScores(logits, teacher, [0, 1], { classes: [2, 0], other: true });
    assert.deepEqual([scores.ownAccuracy, scores.accuracy], [1, 0]);
    const expected =
      (0.2 * Math.log(2) + 0.6 * Math.log(3) + 0.2 * Math.log(2 / 7)) / 2 +
      (0.1 * Math.log(1 / 6) + 0.8 * Math.log(8 / 3)) / 2;
    assert.ok(Math.abs(scores.divergence - expected) < 1e-6, `${scores.divergence}, ${expected}`);
  });

  it('leaves out images of other classes where no output stands for them', () => {
    const logits = Float32Array.from([...log(0.4, 0.6), ...log(0.5, 0.5)]);
    const scores = submodelScores(logits, teacher, [0, 1], { classes: [2, 0], other: false });
    assert.deepEqual([scores.ownAccuracy, scores.accuracy], [1, 1]);
  });
});
