import assert from 'node:assert/strict';
import { canBeFolded } from '../../pipeline/slicing/folded-architecture.ts';
import { familyProblem } from '../../pipeline/model/architecture.ts';
import { relativePlaces, relativePositionCount } from '../../pipeline/model/family/relative-positions.ts';
import { canonicalShapes } from '../../pipeline/model/host-weights.ts';
import { tinyArchitecture, tinyCct, tinySwin } from '../support/checkpoints.ts';

const tiny = { ...tinyArchitecture, relativePositionBias: true } as const;

describe('model/relative-positions', () => {
  it('are in the order of timm’s gen_relative_position_index((2, 3))', () => {
    const wide = { ...tiny, imageSize: [8, 12] } as const;
    const rows = [
      [17, 15, 15, 15, 15, 15, 15],
      [16, 7, 6, 5, 2, 1, 0],
      [16, 8, 7, 6, 3, 2, 1],
      [16, 9, 8, 7, 4, 3, 2],
      [16, 12, 11, 10, 7, 6, 5],
      [16, 13, 12, 11, 8, 7, 6],
      [16, 14, 13, 12, 9, 8, 7],
    ];
    const { down, right, fromClassToken, toClassToken } = relativePlaces(wide);
    const patches = Array.from({ length: 6 }, (_, own) =>
      Array.from({ length: 6 }, (_, other) => {
        const rowPair = 2 * Math.floor(own / 3) + Math.floor(other / 3);
        return down[rowPair]! * 5 + right[3 * (own % 3) + (other % 3)]!;
      }),
    );
    const found = [[...fromClassToken], ...patches.map((others, own) => [toClassToken[own]!, ...others])];
    assert.deepEqual(found, rows);
    assert.equal(relativePositionCount(2, 3), 18);
    assert.deepEqual(canonicalShapes(wide)['blocks.1.attn.relative_position_bias_table'], [18, 2]);
  });

  it('belong to a ViT with a class token alone before its patches', () => {
    assert.equal(familyProblem(tiny), undefined);
    const alone = /not a class token alone before its patches/;
    assert.match(familyProblem({ ...tiny, classToken: false, pool: 'mean' }) ?? '', alone);
    assert.match(familyProblem({ ...tiny, registers: 1 }) ?? '', alone);
    for (const other of [{ ...tinyArchitecture, family: 'deit' }, tinyCct, tinySwin])
      assert.match(familyProblem({ ...other, relativePositionBias: true }) ?? '', /only a vit has it/);
  });

  it('are nothing that sub-models are cut out of', () => {
    assert.deepEqual([canBeFolded(tinyArchitecture), canBeFolded(tiny)], [true, false]);
  });
});
