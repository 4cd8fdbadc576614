import assert from 'node:assert/strict';
import type { Measured } from '../../../../pipeline/measure/measured.ts';
import { wholeModels } from '../../../../pipeline/stages/blocks/work/export.ts';
import { vitBase } from '../../../support/checkpoints.ts';

describe('the whole models of a library', () => {
  const interval = { mean: 50, low: 40, high: 60 };
  const measured: Measured = {
    images: 10,
    top1Percent: interval,
    top1DeltaPp: interval,
    kl: 0.1,
    agreementPercent: 90,
  };
  const steps = [
    { sparsity: 0.5, width: 1536 },
    { sparsity: 0.75, width: 768 },
  ];
  const uniform = (sparsity: number, more: object) => ({ sparsity, refit: measured, ...more });
  const of = (models: Parameters<typeof wholeModels>[0]['uniform'], distilled: boolean) =>
    wholeModels({ uniform: models, contexts: [], allocated: [] }, vitBase, { steps, distilled }).uniform;

  it('are of the width of their sparsity, in whatever order they were measured', () => {
    const told = of([uniform(0.75, {}), uniform(0.5, {})], false);
    assert.deepEqual(
      told.map(({ sparsity, descendants }) => [sparsity, descendants[11]]),
      [
        [0.75, 'block-11/w0768'],
        [0.5, 'block-11/w1536'],
      ],
    );
  });

  it('are left out where their width failed, before or in training', () => {
    const failed = { sparsity: 0.75 };
    assert.equal(of([uniform(0.5, { distilled: measured }), failed], true).length, 1);
    assert.equal(of([uniform(0.5, {})], true).length, 0, 'its training failed');
    assert.equal(of([uniform(0.5, {})], false)[0]?.distilled, null, 'nothing was trained');
  });
});
