import assert from 'node:assert/strict';
import type { FusionHead } from '../../../pipeline/submodels/fusion/fusion-head.ts';
import { fusionFromArrays, fusionToArrays } from '../../../pipeline/submodels/fusion/fusion-arrays.ts';

const numbers = (length: number) => Float32Array.from({ length }, (_, i) => 1 + Math.sin(i) / 2);
const head: FusionHead = {
  kind: 'tower',
  classes: 3,
  widths: [2, 3],
  mean: numbers(5),
  scale: numbers(5),
  precision: numbers(25),
  activation: 'gelu',
  layers: [
    { inputs: 5, outputs: 4, kernel: numbers(20), bias: numbers(4) },
    { inputs: 4, outputs: 3, kernel: numbers(12), bias: numbers(3) },
  ],
};

describe('submodels/fusion/fusion-arrays', () => {
  it('gives the same head back', () => {
    assert.deepEqual(fusionFromArrays(fusionToArrays(head), 'f'), head);
  });

  it('keeps the names of the sub-models, reads files from before there were any, and refuses others than it has', () => {
    const named = {
      ...head,
      kind: 'tokens',
      activation: 'identity',
      submodels: ['two-00', 'two-01'],
    } as const;
    const { tensors, metadata } = fusionToArrays(named);
    assert.deepEqual(fusionFromArrays({ tensors, metadata }, 'f'), named);
    const { submodels, ...rest } = metadata;
    assert.equal(submodels, 'two-00,two-01');
    const older = { ...rest, kind: 'tower', activation: 'gelu', format: 'blockforge-fusion-1' };
    assert.deepEqual(fusionFromArrays({ tensors, metadata: older }, 'f'), head);
    const refuses = (names: string, pattern: RegExp) =>
      assert.throws(
        () => fusionFromArrays({ tensors, metadata: { ...metadata, submodels: names } }, 'f.safetensors'),
        pattern,
      );
    refuses('two-00', /1 names of sub-models\n {2}expected: 2/);
    refuses('two-00,../x', /submodels: expected names separated by commas/);
  });

  it('refuses other facts, missing, foreign and misshapen tensors, and what is no number', () => {
    const { tensors, metadata } = fusionToArrays(head);
    const refuses = (change: Partial<ReturnType<typeof fusionToArrays>>, pattern: RegExp) =>
      assert.throws(() => fusionFromArrays({ tensors, metadata, ...change }, 'f.safetensors'), pattern);
    const { mean, ...others } = tensors;
    assert.ok(mean);
    refuses({ tensors: others }, /f\.safetensors: no tensor mean/);
    refuses({ tensors: { ...tensors, extra: mean } }, /a tensor "extra" that no head has/);
    refuses(
      { tensors: { ...tensors, mean: { shape: [4], data: numbers(4) } } },
      /tensor mean is \[4\]\n {2}expected: \[5\]/,
    );
    refuses({ tensors: { ...tensors, mean: { shape: [5], data: numbers(4) } } }, /tensor mean is/);
    refuses({ tensors: { ...tensors, mean: { shape: [5], data: numbers(5).fill(NaN) } } }, /NaN at index 0/);
    refuses(
      { tensors: { ...tensors, precision: { shape: [5, 5], data: new Float32Array(25) } } },
      /precision of feature 0 is not positive/,
    );
    const { 'layers.0.bias': bias, ...unbiased } = tensors;
    assert.ok(bias);
    refuses({ tensors: unbiased }, /layers\.0/);
    for (const [key, value] of [
      ['format', 'x'],
      ['kind', 'y'],
      ['classes', '-1'],
      ['layers', '1e9'],
      ['widths', '2,0'],
      ['widths', '2;3'],
    ] as const) {
      refuses({ metadata: { ...metadata, [key]: value } }, new RegExp(`f\\.safetensors: ${key}: `));
    }
    refuses({ metadata: {} }, /the header of a fusion head/);
  });
});
