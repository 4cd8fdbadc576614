import assert from 'node:assert/strict';
import { blocksSchema } from '../../pipeline/stages/blocks/schema.ts';
import { distillInputs, recipeOf, refitInputs } from '../../pipeline/recipe/recipe.ts';

const recipe = (changes: object = {}) =>
  recipeOf(blocksSchema.parse({ teacher: {}, data: { source: 'shapes' }, ...changes }));
const composed = { from: 'composed', composedShare: 0.25, images: 100 } as const;

describe('recipeOf', () => {
  it('says of composed inputs how much and how many, of the teacher’s nothing that has no effect', () => {
    assert.deepEqual(recipe({ inputs: composed }).inputs, composed);
    assert.deepEqual(recipe({ inputs: { ...composed, from: 'teacher' } }).inputs, { from: 'teacher' });
  });

  it('takes a ridge, or the name of a rule that finds one', () => {
    assert.equal(recipe({ order: { ridge: 0.01 } }).order.ridge, 0.01);
    assert.equal(recipe({ order: { ridge: 'oracle-shrinkage' } }).order.ridge, 'oracle-shrinkage');
    assert.throws(() => recipe({ order: { ridge: 0 } }));
    assert.throws(() => recipe({ order: { ridge: 'shrinkage' } }));
  });

  it('holds no length of training and no widths, and no training where it is switched off', () => {
    const long = recipe({ distill: { duration: { epochs: 99 } }, descendants: { sparsities: [0.9] } });
    assert.deepEqual(long, recipe());
    assert.equal(recipe({ distill: { enabled: false } }).distill, null);
  });
});

describe('composed inputs', () => {
  it('serve refits that have targets, and trainings that take place', () => {
    const plain = recipe({ inputs: composed, refit: { method: 'none' }, distill: { enabled: false } });
    assert.equal(refitInputs(plain), null);
    assert.equal(distillInputs(plain), null);
    const both = recipe({ inputs: composed });
    assert.deepEqual(refitInputs(both), composed);
    assert.deepEqual(distillInputs(both), composed);
    assert.equal(refitInputs(recipe({ inputs: { from: 'teacher' } })), null);
  });
});
