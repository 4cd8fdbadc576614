import assert from 'node:assert/strict';
import { fitBlock, rankBlock } from '../../../pipeline/recipe/block-inputs.ts';
import { oracleShrinkage } from '../../../bench/quality/oracle-shrinkage.ts';
import { recipes } from '../../../bench/quality/recipes.ts';
import { configSchema } from '../../../pipeline/config/schema.ts';
import { sliceFfn } from '../../../pipeline/model/ffn-weights.ts';
import { sampleBlock } from '../../compress/sample-block.ts';

const hidden = 16;
const { weights, statistics } = sampleBlock({ width: 4, hidden, count: 90 });
const evidence = {
  weights,
  statistics,
  activeRate: new Float64Array(hidden).fill(1),
  saliency: Float64Array.from({ length: hidden }, (_, j) => (j * 7) % 16),
};

describe('recipes', () => {
  it('are registered under their own names, each able to rank, those with a global form by scores', () => {
    for (const [name, recipe] of Object.entries(recipes)) {
      assert.equal(recipe.name, name);
      const order = rankBlock(recipe, evidence);
      assert.deepEqual(
        [...order.units].sort((a, b) => a - b),
        Array.from({ length: hidden }, (_, j) => j),
      );
      const global = (recipe.allocations as readonly string[]).includes('global');
      assert.equal(global && order.scores === undefined, false, name);
      const [wide, narrow] = fitBlock(recipe, evidence, order, [12, 5]);
      assert.deepEqual([wide.hidden, narrow.hidden], [12, 5]);
      assert.deepEqual(narrow.fc1Kernel, sliceFfn(weights, order.units.subarray(0, 5)).fc1Kernel);
    }
  });

  it('blockforge does what the pipeline does by default', () => {
    const { order, refit, distill } = configSchema.parse({ teacher: {}, data: { source: 'shapes' } });
    const { optimizer, learningRate, schedule, warmupShare, weightDecay, loss } = distill;
    assert.equal(recipes.blockforge.criterion, order.criterion);
    assert.equal(recipes.blockforge.ridge, order.ridge);
    assert.equal(recipes.blockforge.refit, refit.method);
    assert.deepEqual(recipes.blockforge.distill, {
      optimizer,
      learningRate,
      schedule,
      warmupShare,
      weightDecay,
      loss,
    });
  });

  it('legodnn leaves what it keeps as it was; vbp moves the bias by W2 mu of what goes', () => {
    const lego = fitBlock(recipes.legodnn, evidence, rankBlock(recipes.legodnn, evidence), [6])[0];
    assert.deepEqual(lego.fc2Bias, weights.fc2Bias);
    const order = rankBlock(recipes.vbp, evidence);
    const shifted = fitBlock(recipes.vbp, evidence, order, [6])[0];
    assert.deepEqual(shifted.fc2Kernel, sliceFfn(weights, order.units.subarray(0, 6)).fc2Kernel);
    for (let d = 0; d < 4; d++) {
      let expected = weights.fc2Bias[d];
      for (const unit of order.units.subarray(6)) {
        expected += statistics.mean[unit] * weights.fc2Kernel[unit * 4 + d];
      }
      assert.ok(Math.abs(shifted.fc2Bias[d] - expected) < 1e-6);
    }
  });
});

describe('oracleShrinkage', () => {
  it('equals the formula on two units by hand, and is at least 1e-3', () => {
    const covariance = Float64Array.of(2, 0.5, 9, 0.5, 1, 9, 9, 9, 9);
    const block = { count: 10, mean: new Float64Array(3), covariance };
    // tr S = 3, tr S^2 = 4 + 1 + 0.25 + 0.25 = 5.5; rho = (0 + 9) / ((11 - 1) (5.5 - 4.5)) = 0.9
    assert.ok(Math.abs(oracleShrinkage(block, [0, 1]) - (0.9 * 3) / 2) < 1e-12);
    assert.equal(oracleShrinkage({ ...block, count: 1e9 }, [0, 1]), 1e-3);
    // Equal variances: rho is 1.
    const equal = { count: 10, mean: new Float64Array(2), covariance: Float64Array.of(3, 0, 0, 3) };
    assert.equal(oracleShrinkage(equal, [0, 1]), 3);
  });
});
