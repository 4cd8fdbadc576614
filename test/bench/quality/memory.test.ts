import assert from 'node:assert/strict';
import { benchMemory, requireMemory } from '../../../bench/quality/memory.ts';
import type { QualityData } from '../../../bench/quality/data.ts';
import { recipesOf } from '../../../bench/quality/recipes.ts';
import type { BlockForgeError } from '../../../pipeline/util/failure.ts';
import { vitBase } from '../../support/checkpoints.ts';
import { present } from '../../support/present.ts';
import { planInput } from '../../stages/blocks/plan-input.ts';

describe('the memory of the quality bench', () => {
  const bytesOf = (calibration: number, evaluation: number) => {
    const { loaded, architecture } = planInput({}, vitBase);
    const list = (length: number) => new Array<never>(length);
    const folds = [{ calibration: list(calibration), evaluation: list(evaluation) }];
    const data = { loaded, architecture, folds } as unknown as QualityData;
    const { blockforge, legodnn } = recipesOf(loaded.config);
    const options = { sparsities: [0.5, 0.6] };
    return [blockforge, legodnn].map((recipe) => benchMemory(data, options, [recipe]));
  };

  it('grows with the images that are measured and those held out, not with those that are fitted to', () => {
    const [small] = bytesOf(500, 100);
    const [measured] = bytesOf(500, 200);
    assert.equal(present(measured) - present(small), 100 * 197 * 768 * 4);
    const [more] = bytesOf(5000, 100);
    assert.equal(present(more) - present(small), 450 * 64 * 768 * 8 * 12);
    const [composed, teacher] = bytesOf(500, 100);
    assert.equal(present(composed) > present(teacher), true);
  });

  it('is stated, or refused with what to ask less of', () => {
    assert.equal(requireMemory(2e9, { memoryBytes: () => 4e9 }), 'about 2.00 GB of 4.00 GB of memory');
    assert.throws(
      () => requireMemory(5e9, { memoryBytes: () => 4e9 }),
      (error: BlockForgeError) =>
        error.failure.reason === 'out-of-space' &&
        /5.00 GB/.test(error.message) &&
        /--images/.test(error.message),
    );
  });
});
