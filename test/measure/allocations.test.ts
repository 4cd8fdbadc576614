import assert from 'node:assert/strict';
import {
  allocateWidths,
  besideUniform,
  chooseAllocations,
  type AllocatedComposition,
} from '../../pipeline/measure/allocations.ts';
import type { Context } from '../../pipeline/measure/contexts.ts';
import { measureAll, type Measured } from '../../pipeline/measure/measured.ts';
import type { Scores } from '../../pipeline/measure/scores.ts';
import { blockCosts } from '../../pipeline/model/costs.ts';
import { tinyArchitecture } from '../support/checkpoints.ts';
import { present } from '../support/present.ts';

const architecture = { ...tinyArchitecture, depth: 2, hidden: 12 };
const steps = [
  { sparsity: 0.25, width: 9 },
  { sparsity: 0.5, width: 6 },
  { sparsity: 0.75, width: 3 },
];
const params = (...widths: number[]) =>
  widths.reduce((sum, width, block) => sum + blockCosts(architecture, block, width).params, 0);
const scores = (kl: number, correct: readonly number[] = [1, 1, 1, 0]): Scores => ({
  correct: Uint8Array.from(correct),
  agree: Uint8Array.from(correct),
  kl: new Float32Array(4).fill(kl),
});

/** `added[block][width]`: the KL that a width of the block adds in this context, whose own model has `own`. */
function context(name: string, own: number, added: readonly Record<number, number>[]): [string, Scores][] {
  return added.flatMap((block, index) =>
    Object.entries(block).map(([width, kl]): [string, Scores] => [
      `${name === 'teacher' ? '' : `${name}/`}block-0${index}/w00${width.padStart(2, '0')}`,
      scores(own + kl),
    ]),
  );
}

const teacher: Context = { name: 'teacher', width: 12 };
const sparsest: Context = { name: 'sparsest', width: 3 };
const inTeacher: [string, Scores][] = [
  ['teacher', scores(0)],
  // Block 1 is worth its width, block 0 is not.
  ...context('teacher', 0, [
    { 9: 0, 6: 0, 3: 0 },
    { 9: 0.125, 6: 0.5, 3: 1 },
  ]),
];

describe('allocateWidths', () => {
  it('gives width to the block that diverges without it, within the size of the uniform model', () => {
    const found = allocateWidths(new Map(inTeacher), architecture, [teacher], steps);
    const [mild, half, severe] = found.filter(({ costs }) => costs === 'teacher');
    assert.deepEqual(present(mild).widths, [3, 12]);
    assert.deepEqual(present(half).widths, [3, 9]);
    // No block can be narrower than the narrowest descendant: the uniform model is all there is.
    assert.equal(severe, undefined);
    for (const { sparsity, ffnParams, budgetParams, widths } of found) {
      const { width } = present(steps.find((step) => step.sparsity === sparsity));
      assert.equal(budgetParams, params(width, width));
      assert.equal(ffnParams, params(...widths));
      assert.ok(ffnParams <= budgetParams);
    }
    assert.equal(present(half).id, 'allocated/0.5/teacher');
  });

  it('makes one candidate of each context and of their average, and no model twice', () => {
    const models = new Map([
      ...inTeacher,
      ['sparsest', scores(1)] as const,
      // Where all others are narrow, block 0 is the one that matters; at its own width a context's model is that itself.
      ...context('sparsest', 1, [
        { 12: -4, 9: -3, 6: -2 },
        { 12: 0, 9: 0, 6: 0 },
      ]),
    ]);
    const found = allocateWidths(models, architecture, [teacher, sparsest], steps);
    const half = found.filter(({ sparsity }) => sparsity === 0.5);
    assert.deepEqual(
      half.map(({ costs, widths }) => [costs, widths]),
      [
        ['teacher', [3, 9]],
        ['sparsest', [9, 3]],
      ],
      'the average chooses what the sparsest context chose',
    );
  });

  it('is a bug where a model was not measured', () => {
    assert.throws(
      () => allocateWidths(new Map([['teacher', scores(0)]]), architecture, [teacher], steps),
      /block-00\/w0009 was not measured/,
    );
  });
});

describe('chooseAllocations', () => {
  const uniformId = (sparsity: number) => `uniform/${sparsity}/distilled`;
  const candidate = (id: string, sparsity = 0.5): AllocatedComposition => ({
    id,
    costs: 'average',
    sparsity,
    widths: [3, 9],
    ffnParams: 1,
    budgetParams: 2,
  });
  const choose = (candidates: readonly AllocatedComposition[], kls: Record<string, number>) =>
    chooseAllocations(
      candidates,
      new Map(Object.entries(kls).map(([id, kl]) => [id, { kl } as Measured])),
      architecture,
      steps,
      uniformId,
    );

  it('takes the candidate that was measured closest to the teacher', () => {
    const kls = { 'uniform/0.5/distilled': 0.3, a: 0.2, b: 0.1 };
    assert.deepEqual(choose([candidate('a'), candidate('b')], kls), [candidate('b')]);
  });

  it('keeps the uniform model where no candidate is closer, whatever single blocks promised', () => {
    const [kept, ...others] = choose([candidate('a')], { 'uniform/0.5/distilled': 0.2, a: 0.2 });
    assert.deepEqual(others, []);
    assert.deepEqual(kept, {
      id: 'uniform/0.5/distilled',
      costs: 'uniform',
      sparsity: 0.5,
      widths: [6, 6],
      ffnParams: params(6, 6),
      budgetParams: params(6, 6),
    });
  });

  it('passes over a sparsity whose uniform model is not there', () => {
    assert.deepEqual(choose([candidate('a', 0.25)], { a: 0.1 }), []);
  });
});

describe('besideUniform', () => {
  it('pairs a model with the uniform one, image by image; the uniform one with itself differs by nothing', () => {
    const models = new Map([
      ['teacher', scores(0, [1, 1, 1, 1])],
      ['uniform/0.5/refit', scores(1, [1, 0, 0, 0])],
      ['a', scores(0.5, [1, 1, 0, 0])],
    ]);
    const of = (id: string, costs: AllocatedComposition['costs']) => ({
      id,
      costs,
      sparsity: 0.5,
      widths: [6, 6],
      ffnParams: 1,
      budgetParams: 1,
    });
    const [mixed, same] = besideUniform(
      [of('a', 'teacher'), of('uniform/0.5/refit', 'uniform')],
      models,
      measureAll(models, 0.95),
      0.95,
      (sparsity) => `uniform/${sparsity}/refit`,
    );
    assert.equal(present(mixed).versusUniformPp.mean, 25);
    assert.equal(present(mixed).measured.top1Percent.mean, 50);
    assert.ok(present(mixed).versusUniformPp.low < 25);
    assert.deepEqual(present(same).versusUniformPp, { mean: 0, low: 0, high: 0 });
  });
});
