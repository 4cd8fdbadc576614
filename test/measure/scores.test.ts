import assert from 'node:assert/strict';
import { scoreLogits, teacherReference } from '../../pipeline/measure/score-logits.ts';
import {
  mergeScores,
  mergeSweeps,
  scoresFromArrays,
  scoresToArrays,
  summariseScores,
  type Scores,
} from '../../pipeline/measure/scores.ts';
import { present } from '../support/present.ts';

describe('measure/scores', () => {
  // Two classes, teacher 3:1, model 1:1, on one image; the other image is the teacher's own.
  const teacher = teacherReference([Math.log(3), 0, 1, 2], 2);
  const scores = scoreLogits([5, 5, 11, 12], [0, 0], teacher);

  it('has the closed form of KL, and does not care for a shift of all logits', () => {
    const expected = 0.75 * Math.log(0.75 / 0.5) + 0.25 * Math.log(0.25 / 0.5);
    assert.ok(Math.abs(scores.kl[0]! - expected) < 1e-7);
    assert.ok(scores.kl[1]! < 1e-12);
    assert.deepEqual([...scores.correct], [1, 0]);
    assert.deepEqual([...scores.agree], [1, 1]);
    assert.equal(scores.top5, undefined);
  });

  it('gives a dead model no top-5 for equal logits', () => {
    const flat = teacherReference(new Float32Array(8), 8);
    const dead = scoreLogits(new Float32Array(8), [3], flat);
    assert.equal(present(dead.top5)[0], 0);
    assert.equal(dead.correct[0], 0);
    const fifth = scoreLogits([9, 8, 7, 6, 5, 4, 3, 2], [4], flat);
    assert.equal(present(fifth.top5)[0], 1);
    assert.equal(present(scoreLogits([9, 8, 7, 6, 5, 4, 3, 2], [5], flat).top5)[0], 0);
  });

  it('stays finite where a class is all but impossible, and shows what is not a number', () => {
    const sure = teacherReference([1000, -1000], 2);
    assert.equal(scoreLogits([1000, -1000], [0], sure).kl[0], 0);
    assert.equal(scoreLogits([-1000, 1000], [0], sure).kl[0], 2000);
    assert.ok(Number.isNaN(scoreLogits([NaN, 1], [0], sure).kl[0]));
  });

  it('joins shards and survives a round trip through named arrays', () => {
    const top5 = { ...scores, top5: Uint8Array.of(1, 0) };
    const merged = mergeScores([top5, top5]);
    assert.deepEqual([...present(merged.top5)], [1, 0, 1, 0]);
    assert.equal(merged.kl.length, 4);
    assert.throws(() => mergeScores([scores, top5]), /top-5/);
    const models = new Map<string, Scores>([
      ['teacher', scores],
      ['block-03/w0384', merged],
    ]);
    const arrays = scoresToArrays(models);
    assert.deepEqual(arrays['block-03/w0384.kl']!.shape, [4]);
    const data = Object.fromEntries(Object.entries(arrays).map(([name, array]) => [name, array.data]));
    assert.deepEqual(scoresFromArrays(data), models);
    delete data['teacher.kl'];
    assert.throws(() => scoresFromArrays(data), /teacher.kl/);
  });

  it('joins sweeps in order and refuses shards of different models', () => {
    const shard = (id: string, name = 'teacher') => ({
      ids: [id, `${id}'`],
      models: new Map([[name, scores]]),
    });
    const merged = mergeSweeps([shard('a'), shard('b')]);
    assert.deepEqual(merged.ids, ['a', "a'", 'b', "b'"]);
    assert.deepEqual([...present(merged.models.get('teacher')).correct], [1, 0, 1, 0]);
    assert.throws(() => mergeSweeps([shard('a'), shard('b', 'other')]), /no scores of teacher/);
  });

  it('counts and averages', () => {
    const { images, correct, agreementPercent, kl } = summariseScores(scores);
    assert.deepEqual([images, correct, agreementPercent], [2, 1, 100]);
    assert.ok(Math.abs(kl - (scores.kl[0]! + scores.kl[1]!) / 2) < 1e-12);
  });
});
