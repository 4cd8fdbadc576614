import assert from 'node:assert/strict';
import { predictCompositions } from '../../pipeline/measure/predict-compositions.ts';
import { predictLossPp } from '../../pipeline/measure/predictor.ts';
import { random } from '../../pipeline/util/random.ts';

describe('measure/predict-compositions', () => {
  // Losses that saturate, as real ones do; sums of deltas that overshoot, and less so when averaged.
  const curve = { ceilingPp: 70, scale: 1, exponent: 1 };
  const draw = random(1, 'predict-compositions');
  const compositionOf = (klIncrease: number) => ({
    klIncrease,
    teacherLossPp: 100 * klIncrease,
    averageLossPp: 80 * klIncrease,
    measuredLossPp: predictLossPp(curve, klIncrease) + 0.2 * draw.normal(),
  });
  const drawn = Array.from({ length: 32 }, (_, index) => compositionOf(0.03 * (1 + ((7 * index) % 32))));
  const anchors = [0.1, 0.5, 1.2].map(compositionOf);
  const { additivity, predictor } = predictCompositions(drawn, anchors, 70, 500);

  it('tells how far sums of deltas are off, and finds the curve that corrects them', () => {
    assert.equal(additivity.images, 500);
    assert.equal(additivity.teacherSum.all.compositions, 32);
    assert.equal(
      additivity.teacherSum.mild.compositions,
      drawn.filter(({ measuredLossPp }) => measuredLossPp < 10).length,
    );
    const mean = ({ all }: typeof additivity.teacherSum) => all.meanAbsoluteErrorPp!;
    assert.ok(mean(additivity.teacherSum) > mean(additivity.averageSum));
    assert.ok(mean(additivity.averageSum) > 5);
    assert.ok(mean(additivity.predictor!) < 0.4, String(mean(additivity.predictor!)));
    assert.ok(additivity.predictor!.all.spearman! > 0.99);
    assert.ok(Math.abs(predictor!.parameters.scale - 1) < 0.02);
    assert.equal(predictor!.parameters.ceilingPp, 70);
    assert.deepEqual(predictor!.crossValidated, additivity.predictor);
  });

  it('makes no predictor out of nothing', () => {
    const flat = Array.from({ length: 8 }, () => ({ ...compositionOf(0), measuredLossPp: 0 }));
    const found = predictCompositions(flat, [], 70, 500);
    assert.equal(found.predictor, null);
    assert.equal(found.additivity.predictor, null);
    assert.equal(found.additivity.averageSum.all.spearman, null);
    assert.equal(found.additivity.averageSum.all.maxAbsoluteErrorPp, 0);
  });
});
