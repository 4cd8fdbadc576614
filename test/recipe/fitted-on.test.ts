import assert from 'node:assert/strict';
import { capWarning, describeFittedOn, fittedOn } from '../../pipeline/recipe/fitted-on.ts';
import { recipeOf } from '../../pipeline/recipe/recipe.ts';
import { recipeSchema } from '../../pipeline/recipe/schema.ts';

describe('what a recipe is fitted on', () => {
  const of = (config: object, images: number) =>
    fittedOn(recipeOf(recipeSchema.parse(config)), 0.1, images, (training) => ({
      least: training,
      most: 2 * training,
    }));

  it('is all calibration images or as many as inputs.images says, and a tenth is held out', () => {
    const capped = of({ inputs: { images: 1024 } }, 4096);
    assert.deepEqual(capped, {
      calibration: 4096,
      statistics: { training: 3686, heldOut: 410 },
      refit: { training: 922, heldOut: 102 },
      distill: { training: 922, heldOut: 102, steps: { least: 922, most: 1844 } },
    });
    assert.match(
      capWarning(capped) ?? '',
      /^4,096 calibration images .* use 1,024 .* --set inputs.images=null/,
    );
    assert.equal(
      describeFittedOn(capped),
      'of 4,096 calibration images, order and statistics use 3,686 (and 410 held out), the refit 922 (and 102 held out), ' +
        'distillation 922 (and 102 held out) in 922 to 1,844 steps',
    );
  });

  it('says nothing of a cap where all are used', () => {
    for (const config of [{ inputs: { images: 5000 } }, { inputs: { from: 'teacher', images: 10 } }]) {
      const all = of(config, 4096);
      assert.equal(capWarning(all), undefined);
      assert.deepEqual(all.refit, { training: 3686, heldOut: 410 });
    }
  });

  it('tells refit and distillation apart', () => {
    const onlyTrained = of({ refit: { method: 'none' }, inputs: { images: 100 } }, 1000);
    assert.deepEqual([onlyTrained.refit.training, onlyTrained.distill?.training], [900, 90]);
    assert.notEqual(capWarning(onlyTrained), undefined);
    const untrained = of({ distill: { enabled: false }, refit: { method: 'none' } }, 2000);
    assert.equal(untrained.distill, null);
    assert.equal(capWarning(untrained), undefined);
    assert.match(describeFittedOn(untrained), /nothing is distilled$/);
  });
});
