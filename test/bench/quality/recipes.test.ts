import assert from 'node:assert/strict';
import { recipesOf, type Baseline } from '../../../bench/quality/recipes.ts';
import { loadConfig } from '../../../pipeline/config/load.ts';
import { blocks } from '../../../pipeline/stages/methods.ts';
import { sliceFfn, type FfnWeights } from '../../../pipeline/model/ffn-weights.ts';
import { fitWidths } from '../../../pipeline/recipe/fit-widths.ts';
import { orderBlock } from '../../../pipeline/compress/order/criteria.ts';
import { recipeOf } from '../../../pipeline/recipe/recipe.ts';
import { sampleBlock } from '../../compress/sample-block.ts';
import { present } from '../../support/present.ts';

const hidden = 16;
const recipes = recipesOf(loadConfig('demo.yaml', [blocks]).config);
const { weights, statistics } = sampleBlock({ width: 4, hidden, count: 90 });
const evidence = {
  statistics,
  activeRate: new Float64Array(hidden).fill(1),
  saliency: Float64Array.from({ length: hidden }, (_, j) => (j * 7) % 16),
};

const orderOf = ({ recipe }: Baseline) => orderBlock(recipe.order, weights, evidence);

/** Cut and fitted on the teacher's own inputs, whatever the recipe looks at else. */
function fit({ recipe }: Baseline, widths: readonly number[]): FfnWeights[] {
  const { units } = orderBlock(recipe.order, weights, evidence);
  const options = { ridge: recipe.order.ridge, method: recipe.refit.method };
  return fitWidths(weights, evidence, units, widths, options).map((descendant) => descendant.weights);
}

describe('recipes', () => {
  it('are registered under their own names, each able to rank, those with a global form by scores', () => {
    for (const [name, baseline] of Object.entries<Baseline>(recipes)) {
      assert.equal(baseline.name, name);
      const order = orderOf(baseline);
      assert.deepEqual(
        [...order.units].sort((a, b) => a - b),
        Array.from({ length: hidden }, (_, j) => j),
      );
      assert.equal(baseline.allocations.includes('global') && order.scores === undefined, false, name);
      const [wide, narrow] = fit(baseline, [12, 5]);
      assert.deepEqual([present(wide).hidden, present(narrow).hidden], [12, 5]);
      assert.deepEqual(present(narrow).fc1Kernel, sliceFfn(weights, order.units.subarray(0, 5)).fc1Kernel);
    }
  });

  it('blockforge is what the pipeline does with the config at hand, legodnn what configs/legodnn.yaml says', () => {
    const set = [
      'refit.method=mean-shift',
      'order.criterion=variance',
      'inputs.from=teacher',
      'distill.loss=mse',
    ];
    for (const overrides of [[], set]) {
      const { config } = loadConfig('demo.yaml', [blocks], { overrides });
      assert.deepEqual(recipesOf(config).blockforge.recipe, recipeOf(config));
    }
    assert.deepEqual(recipeOf(loadConfig('legodnn.yaml', [blocks]).config), recipes.legodnn.recipe);
    assert.deepEqual(recipes.legodnn.recipe.order, { criterion: 'fc1-magnitude', ridge: 1e-4 });
    assert.equal(recipes.legodnn.recipe.refit.method, 'none');
    assert.equal(recipes.legodnn.recipe.distill?.optimizer, 'adam');
  });

  it('legodnn leaves what it keeps as it was; vbp moves the bias by W2 mu of what goes', () => {
    const lego = fit(recipes.legodnn, [6])[0]!;
    assert.deepEqual(lego.fc2Bias, weights.fc2Bias);
    const order = orderOf(recipes.vbp);
    const shifted = fit(recipes.vbp, [6])[0]!;
    assert.deepEqual(shifted.fc2Kernel, sliceFfn(weights, order.units.subarray(0, 6)).fc2Kernel);
    for (let d = 0; d < 4; d++) {
      let expected = weights.fc2Bias[d]!;
      for (const unit of order.units.subarray(6)) {
        expected += statistics.mean[unit]! * weights.fc2Kernel[unit * 4 + d]!;
      }
      assert.ok(Math.abs(shifted.fc2Bias[d]! - expected) < 1e-6);
    }
  });
});
