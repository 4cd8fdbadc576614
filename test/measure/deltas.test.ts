import assert from 'node:assert/strict';
import type { Context } from '../../pipeline/measure/contexts.ts';
import { deltasOf } from '../../pipeline/measure/deltas.ts';
import { pairedScoresPp } from '../../pipeline/measure/interval.ts';
import type { Scores } from '../../pipeline/measure/scores.ts';
import { present } from '../support/present.ts';

const contexts: Context[] = [
  { name: 'teacher', width: 40 },
  { name: 'middle', width: 20 },
  { name: 'sparsest', width: 10 },
];

const scores = (correct: number[], kl: number): Scores => ({
  correct: Uint8Array.from(correct),
  agree: Uint8Array.from(correct),
  kl: new Float32Array(correct.length).fill(kl),
});

/** Block 1 at 20 of 40 units: loses one image of four in the teacher's context, none in the others. */
const models = new Map<string, Scores>([
  ['teacher', scores([1, 1, 1, 0], 0)],
  ['block-01/w0020', scores([1, 1, 0, 0], 0.25)],
  ['middle', scores([1, 1, 0, 0], 0.5)],
  ['middle/block-01/w0040', scores([1, 1, 0, 0], 0.375)],
  ['sparsest/block-01/w0020', scores([0, 1, 0, 1], 1)],
  ['sparsest/block-01/w0040', scores([1, 0, 0, 1], 0.75)],
]);
const place = { block: 1, width: 20, hidden: 40 };

describe('measure/deltas', () => {
  it('compares with the teacher’s block in the same context, and averages', () => {
    const { teacher, middle, sparsest, average } = present(deltasOf(models, contexts, place, 0.95));
    const expected = pairedScoresPp([1, 1, 0, 0], [1, 1, 1, 0]);
    assert.deepEqual(teacher.top1Pp, { mean: -25, low: expected.low, high: expected.high });
    assert.deepEqual([teacher.kl, teacher.klIncrease, teacher.agreementPercent], [0.25, 0.25, 50]);
    // At the context's own width the model is the context's own.
    assert.deepEqual(
      [present(middle).top1Pp.mean, present(middle).kl, present(middle).klIncrease],
      [0, 0.5, 0.125],
    );
    // One image lost, one won.
    assert.deepEqual(
      [present(sparsest).top1Pp.mean, present(sparsest).kl, present(sparsest).klIncrease],
      [0, 1, 0.25],
    );
    assert.ok(Math.abs(average.top1Pp.mean + 25 / 3) < 1e-12);
    assert.ok(average.top1Pp.low < average.top1Pp.mean && average.top1Pp.mean < average.top1Pp.high);
    assert.ok(Math.abs(average.klIncrease - (0.25 + 0.125 + 0.25) / 3) < 1e-12);
    assert.equal(average.images, 4);
  });

  it('finds nothing at all where the teacher’s block is exchanged for itself', () => {
    const { teacher, sparsest, average } = present(deltasOf(models, contexts, { ...place, width: 40 }, 0.95));
    for (const { top1Pp, klIncrease } of [teacher, present(sparsest), average]) {
      assert.deepEqual([top1Pp, klIncrease], [{ mean: 0, low: 0, high: 0 }, 0]);
    }
    assert.equal(present(sparsest).kl, 0.75);
  });

  it('passes over contexts that were not scored, and descendants that were not', () => {
    const some = new Map(
      [...models].filter(([id]) => !id.startsWith('sparsest') && !id.startsWith('middle')),
    );
    const { teacher, middle, average } = present(deltasOf(some, contexts, place, 0.95));
    assert.equal(middle, undefined);
    assert.ok(Math.abs(average.top1Pp.low - teacher.top1Pp.low) < 1e-4);
    assert.equal(average.klIncrease, teacher.klIncrease);
    assert.equal(deltasOf(models, contexts, { ...place, block: 2 }, 0.95), undefined);
  });
});
