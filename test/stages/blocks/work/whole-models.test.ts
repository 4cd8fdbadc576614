import assert from 'node:assert/strict';
import type { FfnTensors } from '../../../../pipeline/model/ffn-tensors.ts';
import { contextsToSweep } from '../../../../pipeline/stages/blocks/work/measure.ts';
import { uniformModels, type FfnsByWidth } from '../../../../pipeline/stages/blocks/work/whole-models.ts';
import { vitBase } from '../../../support/checkpoints.ts';

/** Stands for an FFN on the engine. */
const ffn = (name: string) => name as unknown as FfnTensors;
const steps = [
  { sparsity: 0.5, width: 4 },
  { sparsity: 0.75, width: 2 },
];
const whole: FfnsByWidth = new Map([4, 2].map((width) => [width, [ffn(`0/${width}`), ffn(`1/${width}`)]]));
/** The job of the narrower width failed. */
const broken: FfnsByWidth = new Map([...whole].slice(0, 1));

describe('the uniform models', () => {
  it('are one per sparsity as cut, one refitted and one distilled, of every block', () => {
    const models = uniformModels({ pruned: whole, refitted: whole, final: whole }, steps, true);
    assert.deepEqual(
      models.map(({ id }) => id),
      ['pruned', 'refit', 'distilled'].flatMap((kind) => [`uniform/0.5/${kind}`, `uniform/0.75/${kind}`]),
    );
    assert.equal(models[1]?.ffn(1), '1/2');
  });

  it('are none of a width that failed, and those before training where it failed in that', () => {
    const ids = (refitted: FfnsByWidth, final: FfnsByWidth) =>
      uniformModels({ pruned: refitted, refitted, final }, steps, true).map(({ id }) => id);
    const wide = ['pruned', 'refit', 'distilled'].map((kind) => `uniform/0.5/${kind}`);
    assert.deepEqual(ids(broken, broken), wide);
    const before = ['pruned', 'refit'].flatMap((kind) => [`uniform/0.5/${kind}`, `uniform/0.75/${kind}`]);
    assert.deepEqual(ids(whole, broken), [...before, 'uniform/0.5/distilled']);
  });

  it('are only those as cut and refitted where nothing is trained', () => {
    assert.equal(uniformModels({ pruned: whole, refitted: whole, final: whole }, steps, false).length, 4);
  });
});

describe('the contexts to sweep', () => {
  const architecture = { ...vitBase, depth: 2, hidden: 8 };
  const contexts = [
    { name: 'teacher', width: 8 },
    { name: 'middle', width: 4 },
  ] as const;
  const sweep = (final: FfnsByWidth) =>
    contextsToSweep(contexts, architecture, steps, {
      complete: final.size === steps.length,
      final,
      ffn: (block, width) => ffn(`${block}/${width}`),
    });

  it('exchange every block for every width but the one of the context', () => {
    const ids = sweep(whole).map(({ id, variants }) => [id, variants.map((variant) => variant.id)]);
    assert.deepEqual(ids, [
      ['teacher', ['block-00/w0004', 'block-00/w0002', 'block-01/w0004', 'block-01/w0002']],
      [
        'middle',
        ['middle/block-00/w0008', 'middle/block-00/w0002', 'middle/block-01/w0008', 'middle/block-01/w0002'],
      ],
    ]);
    assert.equal(sweep(whole)[1]?.ffn(0), '0/4', 'the other blocks are of the width of the context');
  });

  it("leave out a width that failed, and then every context but the teacher's", () => {
    const swept = sweep(broken);
    assert.deepEqual(
      swept.map(({ id }) => id),
      ['teacher'],
    );
    assert.deepEqual(
      swept[0]?.variants.map(({ id }) => id),
      ['block-00/w0004', 'block-01/w0004'],
    );
  });
});
