import assert from 'node:assert/strict';
import type { FfnTensors } from '../../../../pipeline/model/ffn-tensors.ts';
import { contextsToSweep } from '../../../../pipeline/stages/blocks/work/measure.ts';
import { uniformModels } from '../../../../pipeline/stages/blocks/work/whole-models.ts';
import { vitBase } from '../../../support/checkpoints.ts';

/** Stands for an FFN on the engine. */
const ffn = (name: string) => name as unknown as FfnTensors;
const steps = [
  { sparsity: 0.5, width: 4 },
  { sparsity: 0.75, width: 2 },
];
const whole = [
  [ffn('0/4'), ffn('0/2')],
  [ffn('1/4'), ffn('1/2')],
];
const broken = [whole[0], undefined];

describe('the uniform models', () => {
  it('are one per sparsity before training and one after, of every block', () => {
    const models = uniformModels({ refitted: whole, final: whole }, steps, true);
    assert.deepEqual(
      models.map(({ id }) => id),
      ['uniform/0.5/refit', 'uniform/0.75/refit', 'uniform/0.5/distilled', 'uniform/0.75/distilled'],
    );
    assert.equal(models[1]?.ffn(1), '1/2');
  });

  it('are none where a block failed, and those before training where it failed in that', () => {
    const ids = (refitted: typeof broken, final: typeof broken) =>
      uniformModels({ refitted, final }, steps, true).map(({ id }) => id);
    assert.deepEqual(ids(broken, broken), []);
    assert.deepEqual(ids(whole, broken), ['uniform/0.5/refit', 'uniform/0.75/refit']);
  });

  it('are only the refitted ones where nothing is trained', () => {
    assert.equal(uniformModels({ refitted: whole, final: whole }, steps, false).length, 2);
  });
});

describe('the contexts to sweep', () => {
  const architecture = { ...vitBase, depth: 2, hidden: 8 };
  const contexts = [
    { name: 'teacher', width: 8 },
    { name: 'middle', width: 4 },
  ] as const;
  const sweep = (final: typeof broken) =>
    contextsToSweep(contexts, architecture, steps, {
      complete: !final.includes(undefined),
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

  it("leave out a block that failed, and then every context but the teacher's", () => {
    const swept = sweep(broken);
    assert.deepEqual(
      swept.map(({ id }) => id),
      ['teacher'],
    );
    assert.deepEqual(
      swept[0]?.variants.map(({ block }) => block),
      [0, 0],
    );
  });
});
