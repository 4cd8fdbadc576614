import assert from 'node:assert/strict';
import type { Manifest } from '../../pipeline/library/manifest.ts';
import { recommendedModel, toleratedLossPp } from '../../pipeline/library/recommended-model.ts';

const scores = (mean: number, low: number) => ({
  images: 1000,
  top1Percent: { mean: 80 + mean, low: 70, high: 90 },
  top1DeltaPp: { mean, low, high: mean + 1 },
  kl: 0.1,
  agreementPercent: 95,
});
const uniform = (sparsity: number, params: number, mean: number, low: number) => ({
  sparsity,
  descendants: [`block-00/w${sparsity}`],
  params,
  macs: 10 * params,
  refit: scores(-9, -12),
  distilled: scores(mean, low),
});
const library = (changes: Partial<Manifest>) =>
  ({ teacher: { params: 1000 }, uniform: [], ...changes }) as Manifest;

describe('the recommended small model', () => {
  it('is the leanest whose loss is tolerable at the far end of its interval', () => {
    const found = recommendedModel(
      library({
        uniform: [uniform(0.4, 700, 0.1, -0.5), uniform(0.6, 500, -0.9, -2), uniform(0.8, 300, -0.2, -2.1)],
      }),
    );
    assert.equal(toleratedLossPp, 2);
    assert.equal(found?.model.id, 'uniform/0.6/distilled');
    assert.equal(found.withinTolerance, true);
  });

  it('is judged by the weights of the library: before training only where there was none', () => {
    const untrained = { ...uniform(0.5, 500, 0, 0), distilled: null, refit: scores(-0.2, -1) };
    assert.equal(recommendedModel(library({ uniform: [untrained] }))?.model.id, 'uniform/0.5/refit');
  });

  it('may be allocated, where that is a model of its own', () => {
    const allocated = (costs: 'average' | 'uniform', params: number) => ({
      ...{ sparsity: 0.8, costs, descendants: ['block-00/w0001'], params, macs: 1, scores: scores(-0.1, -1) },
      versusUniformPp: { mean: 1, low: 0.5, high: 2 },
    });
    const uniforms = [uniform(0.8, 310, -3, -5)];
    const own = library({ uniform: uniforms, allocated: [allocated('average', 300)] });
    assert.equal(recommendedModel(own)?.model.id, 'allocated/0.8/average');
    const same = library({ uniform: uniforms, allocated: [allocated('uniform', 310)] });
    assert.equal(recommendedModel(same)?.model.id, 'uniform/0.8/distilled');
  });

  it('is the best trade where every one may have lost more, and says so', () => {
    const found = recommendedModel(
      library({
        uniform: [uniform(0.4, 600, -2, -4), uniform(0.8, 200, -4, -7), uniform(0.9, 100, -20, -25)],
      }),
    );
    // 4 / 400, 7 / 800, 25 / 900 points per parameter.
    assert.equal(found?.model.id, 'uniform/0.8/distilled');
    assert.equal(found.withinTolerance, false);
  });

  it('is none where no whole model was measured', () => {
    assert.equal(recommendedModel(library({})), undefined);
  });
});
