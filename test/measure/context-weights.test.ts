import assert from 'node:assert/strict';
import { fitContextWeights, weightedCost } from '../../pipeline/measure/context-weights.ts';
import { random } from '../../pipeline/util/random.ts';

describe('measure/context-weights', () => {
  const draw = random(2, 'context-weights');
  const costs = Array.from({ length: 20 }, () => [draw.next(), draw.next(), draw.next()]);
  const truth = [0.3, 0.7, 0];

  it('finds the mixture of contexts that divergences follow by a power law', () => {
    const samples = costs.map((item) => ({ costs: item, kl: 2 * weightedCost(item, truth) ** 1.2 }));
    assert.deepEqual(fitContextWeights(samples, 3), truth);
    // Mild models, of which nothing can be learnt, change nothing.
    const mild = { costs: [5, 0, 0], kl: 1e-4 };
    assert.deepEqual(fitContextWeights([...samples, mild, mild], 3), truth);
  });

  it('finds it through noise, to a tenth or two', () => {
    const samples = costs.map((item) => ({
      costs: item,
      kl: weightedCost(item, truth) * Math.exp(0.05 * draw.normal()),
    }));
    fitContextWeights(samples, 3).forEach((weight, index) =>
      assert.ok(Math.abs(weight - truth[index]!) < 0.25, `${index}: ${weight}`),
    );
  });

  it('weighs all alike where there is too little to tell, and one context in full', () => {
    const few = costs.slice(0, 5).map((item) => ({ costs: item, kl: item[0]! }));
    assert.deepEqual(fitContextWeights(few, 3), [1 / 3, 1 / 3, 1 / 3]);
    const one = costs.map((item) => ({ costs: item.slice(0, 1), kl: item[0]! }));
    assert.deepEqual(fitContextWeights(one, 1), [1]);
  });
});
