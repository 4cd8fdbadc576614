import assert from 'node:assert/strict';
import { unitFeatures } from '../../pipeline/measure/feature-loss.ts';
import { featureJudge } from '../../pipeline/measure/feature-judge.ts';
import { nearestNeighbours, zeroShot, type FeatureIndex } from '../../pipeline/measure/voters.ts';
import { random } from '../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../support/engines.ts';

const width = 6;
const classes = 7;

function normals(count: number, name: string): Float32Array {
  const stream = random(1, 'voters', name);
  return Float32Array.from({ length: count }, () => stream.normal());
}

function indexOf(rows: number): FeatureIndex {
  return {
    width,
    classes,
    features: Float32Array.from(unitFeatures(normals(rows * width, 'index'), width)),
    labels: Int32Array.from({ length: rows }, (_, row) => (row * 3) % classes),
  };
}

/** By sorting all cosines. */
function bruteForce(index: FeatureIndex, query: Float64Array, k: number): number[] {
  const cosines = [...index.labels].map((label, row) => ({
    label,
    cosine: [...query].reduce((sum, value, i) => sum + value * index.features[row * width + i]!, 0),
  }));
  const votes = new Array<number>(classes).fill(0);
  for (const { label, cosine } of cosines.sort((a, b) => b.cosine - a.cosine).slice(0, k))
    votes[label]! += Math.exp(cosine / 0.07);
  const sum = votes.reduce((a, b) => a + b, 0);
  return votes.map((vote) => vote / sum);
}

describeOnEachEngine('votes for features', () => {
  const queries = unitFeatures(normals(9 * width, 'queries'), width);

  it('are those of the nearest labelled features, counted by brute force', () => {
    for (const [rows, k] of [
      [50, 20],
      [50, 3],
      [11, 20],
    ] as const) {
      const index = indexOf(rows);
      const voter = nearestNeighbours(index, k);
      const votes = voter.vote(queries);
      for (let image = 0; image < 9; image++) {
        const expected = bruteForce(index, queries.subarray(image * width, (image + 1) * width), k);
        for (const [c, share] of expected.entries())
          assert.ok(Math.abs(votes[image * classes + c]! - share) < 1e-4, `image ${image}, class ${c}`);
      }
      voter.dispose();
    }
  });

  it('go to the nearest embedding of a class where there are texts', () => {
    const index = { ...indexOf(classes), labels: Int32Array.from({ length: classes }, (_, row) => row) };
    const voter = zeroShot(index);
    const judge = featureJudge(width, voter);
    const { chosen } = judge.said(queries, new Int32Array(9));
    for (let image = 0; image < 9; image++) {
      const cosines = [...index.labels].map((row) =>
        [...Array(width).keys()].reduce(
          (sum, i) => sum + queries[image * width + i]! * index.features[row * width + i]!,
          0,
        ),
      );
      assert.equal(chosen[image], cosines.indexOf(Math.max(...cosines)));
    }
    judge.dispose();
  });

  it('make scores: right by the label, agreeing by the teacher’s class, divergence 1 - cos', () => {
    const index = indexOf(40);
    const judge = featureJudge(width, nearestNeighbours(index));
    const teacher = normals(9 * width, 'teacher');
    const model = Float32Array.from(teacher, (value, i) => value + 0.8 * normals(9 * width, 'noise')[i]!);
    const labels = Int32Array.from({ length: 9 }, (_, image) => image % classes);
    const score = judge.against(teacher);
    const own = score(teacher, labels);
    assert.deepEqual([...own.kl], new Array(9).fill(0));
    assert.deepEqual([...own.agree], new Array(9).fill(1));
    const scores = score(model, labels);
    const [ofModel, ofTeacher] = [judge.said(model, labels), judge.said(teacher, labels)];
    for (let image = 0; image < 9; image++) {
      const rowOf = (all: Float32Array) => [...all.subarray(image * width, (image + 1) * width)];
      const [a, b] = [rowOf(model), rowOf(teacher)] as const;
      const cosine =
        a.reduce((sum, value, i) => sum + value * b[i]!, 0) / (Math.hypot(...a) * Math.hypot(...b));
      assert.ok(Math.abs(scores.kl[image]! - (1 - cosine)) < 1e-6);
      assert.equal(scores.correct[image], Number(ofModel.chosen[image] === labels[image]));
      assert.equal(scores.agree[image], Number(ofModel.chosen[image] === ofTeacher.chosen[image]));
    }
    assert.ok(scores.top5 !== undefined && scores.top5.every((hit, i) => hit >= scores.correct[i]!));
    judge.dispose();
  });

  it('keep what is not finite for the sweep to find, and give a dead model a cosine of 0', () => {
    const judge = featureJudge(width, nearestNeighbours(indexOf(40)));
    const score = judge.against(normals(width, 'teacher'));
    const labels = new Int32Array(1);
    assert.ok(Number.isNaN(score(new Float32Array(width).fill(NaN), labels).kl[0]));
    assert.ok(Number.isNaN(score(new Float32Array(width).fill(Infinity), labels).kl[0]));
    assert.equal(score(new Float32Array(width), labels).kl[0], 1);
    judge.dispose();
  });
});
