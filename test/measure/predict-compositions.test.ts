import assert from 'node:assert/strict';
import { contextsOf, scoreId } from '../../pipeline/measure/contexts.ts';
import { drawCompositions } from '../../pipeline/measure/compositions.ts';
import { predictCompositions } from '../../pipeline/measure/predict-compositions.ts';
import { predictLossPp } from '../../pipeline/measure/predictor.ts';
import type { Scores } from '../../pipeline/measure/scores.ts';
import { random } from '../../pipeline/util/random.ts';
import { present } from '../support/present.ts';

/**
 * A world in which KL adds up exactly and accuracy follows it by a known curve: what every block costs at every width
 * is known, and every image flips independently.
 */
const [depth, widths, images] = [6, [40, 30, 20, 10], 4000];
const curve = { ceilingPp: 70, scale: 1, exponent: 1 };
const blockCost = (block: number, width: number) => (0.004 * (block + 1) * (40 - width) ** 2) / 30;
const draw = random(1, 'predict-compositions');
const difficulty = Float64Array.from({ length: images }, () => draw.next());

function scoresOf(blockWidths: readonly number[]): Scores {
  const cost = blockWidths.reduce((sum, width, block) => sum + blockCost(block, width), 0);
  // Right with 80 % minus what the curve says, 10 % by chance; some images flip by luck.
  const share = (80 - predictLossPp(curve, cost)) / 100;
  const correct = Uint8Array.from(
    difficulty,
    (value) => +(value + (cost > 0 ? 0.05 * draw.normal() : 0) < share),
  );
  return { correct, agree: correct, kl: new Float32Array(images).fill(cost) };
}

const contexts = contextsOf(
  ['teacher', 'middle', 'sparsest'],
  widths.map((width) => ({ width })),
);
const compositions = drawCompositions(32, depth, widths.length, 3).map((levels, index) => ({
  id: `random/${index}`,
  widths: levels.map((level) => widths[level]!),
}));
const anchors = widths.slice(1).map((width) => ({
  id: `uniform/${width}`,
  widths: new Array<number>(depth).fill(width),
}));
const chosen = drawCompositions(16, depth, widths.length, 4).map((levels, index) => ({
  id: `chosen/${index}`,
  widths: levels.map((level) => widths[level]!),
}));
const models = new Map(
  [...compositions, ...chosen, ...anchors].map(({ id, widths }) => [id, scoresOf(widths)]),
);
for (const context of contexts) {
  for (let block = 0; block < depth; block++) {
    for (const width of widths) {
      const all = new Array<number>(depth).fill(context.width);
      all[block] = width;
      const id = scoreId(context, block, width);
      if (!models.has(id)) models.set(id, scoresOf(all));
    }
  }
}
const input = {
  models,
  contexts,
  hiddens: new Array<number>(depth).fill(40),
  classes: 10,
  random: compositions,
  chosen,
  anchors,
};

describe('measure/predict-compositions', () => {
  const { additivity, predictor, compositions: measured } = predictCompositions(input);
  const mean = ({ all }: typeof additivity.teacherSum) => present(all.meanAbsoluteErrorPp);

  it('adds up what single blocks cost', () => {
    const expected = compositions[5]!.widths.reduce((sum, width, block) => sum + blockCost(block, width), 0);
    assert.ok(Math.abs(measured[5]!.klIncrease - expected) < 1e-5);
    const count = ({ correct }: Scores) => correct.reduce((sum, flag) => sum + flag, 0);
    const loss =
      (count(present(models.get('teacher'))) - count(present(models.get('random/5')))) / (images / 100);
    assert.ok(Math.abs(measured[5]!.measuredLossPp - loss) < 1e-9);
  });

  it('finds how far sums of deltas are off, and the curve that corrects them', () => {
    assert.equal(additivity.images, images);
    assert.equal(additivity.teacherSum.all.compositions, 32);
    const mild = measured.filter(({ measuredLossPp }) => measuredLossPp < 10).length;
    assert.equal(additivity.averageSum.mild.compositions, mild);
    // Alone, no block meets the saturation that all of them together meet.
    assert.ok(mean(additivity.teacherSum) > 5, String(mean(additivity.teacherSum)));
    assert.ok(mean(additivity.averageSum) < mean(additivity.teacherSum));
    assert.ok(mean(present(additivity.predictor)) < 0.8, String(mean(present(additivity.predictor))));
    assert.ok(present(present(additivity.predictor).all.spearman) > 0.98);
    assert.ok(
      Math.abs(present(predictor).parameters.scale - 1) < 0.05,
      String(present(predictor).parameters.scale),
    );
    assert.ok(Math.abs(present(predictor).parameters.exponent - 1) < 0.1);
    assert.deepEqual(present(predictor).crossValidated, additivity.predictor);
  });

  it('fits the curve to chosen compositions where there are enough, and says how far those are off', () => {
    const { parameters, chosen: found, weights } = present(predictor);
    const errors = present(found);
    assert.equal(errors.all.compositions, 16);
    // As far off as 4,000 images are, which flip independently.
    const mean = present(errors.all.meanAbsoluteErrorPp);
    assert.ok(mean < 0.8, String(mean));
    assert.ok(errors.spread > 0 && errors.spread < 0.3, String(errors.spread));
    // In a world where KL adds up, all contexts say the same.
    assert.ok(Math.abs(Object.values(weights).reduce((sum, weight) => sum + weight, 0) - 1) < 1e-9);
    const few = predictCompositions({ ...input, chosen: chosen.slice(0, 5) });
    assert.equal(present(few.predictor).chosen, undefined);
    assert.notDeepEqual(present(few.predictor).parameters, parameters);
  });

  it('says how far off these images alone would show a perfect prediction', () => {
    const { imageNoisePp } = additivity;
    const teacher = present(models.get('teacher')).correct;
    const noise = measured.map(({ measuredLossPp, standardErrorPp }, index) => {
      // The variance of -1, 0 and 1 by how many images flip either way.
      const own = present(models.get(compositions[index]!.id)).correct;
      const flipped = teacher.filter((right, image) => right !== own[image]).length / images;
      const variance = (flipped - (measuredLossPp / 100) ** 2) / (images - 1);
      assert.ok(Math.abs(standardErrorPp - 100 * Math.sqrt(variance)) < 1e-9);
      const lost = measuredLossPp / 100;
      // Paired: images that flip either way, at least as many as are lost.
      assert.ok(standardErrorPp >= 100 * Math.sqrt((lost - lost ** 2) / images) - 1e-9);
      return Math.sqrt(2 / Math.PI) * standardErrorPp;
    });
    const mean = noise.reduce((sum, value) => sum + value, 0) / noise.length;
    assert.ok(Math.abs(imageNoisePp.all - mean) < 1e-9);
    const mild = noise.filter((_, index) => measured[index]!.measuredLossPp < 10);
    assert.ok(Math.abs(present(imageNoisePp.mild) - mild.reduce((a, b) => a + b, 0) / mild.length) < 1e-9);
    assert.ok(present(imageNoisePp.mild) < imageNoisePp.all);
  });

  it('tries it on images that no prediction has seen', () => {
    const { acrossImages } = additivity;
    assert.equal(acrossImages.images, images / 2);
    assert.equal(acrossImages.measured.all.compositions, 64);
    assert.ok(mean(present(acrossImages.predictor)) < 2 * mean(acrossImages.measured));
    assert.ok(mean(acrossImages.teacherSum) > 5);
  });

  it('makes no predictor out of nothing', () => {
    const flat = new Map([...models.keys()].map((id) => [id, present(models.get('teacher'))]));
    const found = predictCompositions({ ...input, models: flat });
    assert.equal(found.predictor, null);
    assert.equal(found.additivity.predictor, null);
    assert.equal(found.additivity.acrossImages.predictor, null);
    assert.equal(found.additivity.averageSum.all.spearman, null);
    assert.equal(found.additivity.averageSum.all.maxAbsoluteErrorPp, 0);
  });
});
