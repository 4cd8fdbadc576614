import assert from 'node:assert/strict';
import { benchMemory, requireMemory } from '../../../bench/quality/memory.ts';
import type { QualityData } from '../../../bench/quality/data.ts';
import { recipesOf } from '../../../bench/quality/recipes.ts';
import type { BlockForgeError } from '../../../pipeline/util/failure.ts';
import { vitBase } from '../../support/checkpoints.ts';
import { present } from '../../support/present.ts';
import { planInput } from '../../stages/blocks/plan-input.ts';

describe('the memory of the quality bench', () => {
  const bytesOf = (calibration: number, evaluation: number, config: object, distill: number[] = []) => {
    const { loaded, architecture } = planInput(config, vitBase);
    const list = (length: number) => new Array<never>(length);
    const folds = [{ calibration: list(calibration), evaluation: list(evaluation) }];
    const data = { loaded, architecture, folds } as unknown as QualityData;
    const { blockforge, legodnn } = recipesOf(loaded.config);
    const options = { sparsities: [0.5, 0.6], distill };
    return [blockforge, legodnn].map((recipe) => benchMemory(data, options, [recipe]));
  };

  it('grows with the images that are measured, and with those that are fitted up to the cap of a run', () => {
    const stream = 197 * 768 * 4;
    const [small] = bytesOf(500, 100, { inputs: { images: 400 } });
    const [measured] = bytesOf(500, 200, { inputs: { images: 400 } });
    assert.equal(present(measured) - present(small), 100 * stream);
    const [wider] = bytesOf(500, 100, { inputs: { images: 450 } });
    assert.ok(present(wider) - present(small) >= 2 * 50 * 3 * stream);
    const [uncapped] = bytesOf(500, 100, { inputs: { images: 4000 } });
    assert.equal(bytesOf(500, 100, { inputs: { images: 500 } })[0], uncapped);
    const [, untrained] = bytesOf(500, 100, {});
    const [, trained] = bytesOf(500, 100, {}, [50]);
    assert.equal(present(trained) - present(untrained), 450 * 64 * 768 * 8 * 12);
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
