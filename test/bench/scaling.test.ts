import assert from 'node:assert/strict';
import { compareScaling, walk, type Candidate } from '../../bench/scaling/compare.ts';

/** Right on the first `share` of every ten images, on even and odd places alike. */
function candidate(id: string, share: number, cost: number): Candidate {
  const correct = Uint8Array.from({ length: 40 }, (_, image) => (Math.floor(image / 2) % 10 < share ? 1 : 0));
  return { id, correct, amounts: { memory: cost } };
}

const models = [candidate('teacher', 10, 100), candidate('narrow', 5, 40)];
const images = Array.from({ length: 40 }, (_, image) => image);
const near = (found: number, expected: number) =>
  assert.ok(Math.abs(found - expected) < 1e-9, `${found}, expected ${expected}`);

describe('scaling by blocks against whole models', () => {
  it('takes from each kind the leanest that is accurate enough', () => {
    const steps = walk(models, [candidate('mixed', 8, 60)], 'memory', images, 6);
    assert.deepEqual(
      steps.map(({ targetPercent, model, block }) => [Math.round(targetPercent), model.id, block.id]),
      [
        [50, 'narrow', 'narrow'],
        [60, 'teacher', 'mixed'],
        [70, 'teacher', 'mixed'],
        [80, 'teacher', 'mixed'],
        [90, 'teacher', 'teacher'],
        [100, 'teacher', 'teacher'],
      ],
    );
  });

  it('averages what is saved, and tells finer steps from better blocks', () => {
    const { share, byFinerSteps, byChoosingBlocks, differencePp } = compareScaling(
      models,
      [candidate('mixed', 8, 60)],
      'memory',
      6,
    );
    near(share, 1 - (3 + 3 * 0.6) / 6);
    // On the line from (50 %, 40) to (100 %, 100): 40/40, 52, 64, 76, 88 and 100 of 100.
    near(byFinerSteps, 1 - (1 + 0.52 + 0.64 + 0.76 + 0.88 + 1) / 6);
    near(byChoosingBlocks, share - byFinerSteps);
    near(differencePp, (0 - 20 - 20 - 20) / 6);
  });

  it('saves nothing without compositions, whatever lies between the whole models', () => {
    const { share, differencePp } = compareScaling(models, [], 'memory', 6);
    near(share, 0);
    near(differencePp, 0);
  });

  it('judges by images that the choice was not made by', () => {
    const lucky: Candidate = {
      id: 'lucky',
      correct: Uint8Array.from({ length: 40 }, (_, image) => (image % 2 === 0 ? 1 : 0)),
      amounts: { memory: 1 },
    };
    const { differencePp } = compareScaling(models, [lucky], 'memory', 6);
    assert.ok(differencePp < -30, `${differencePp}: chosen on the even images, it fails on the odd ones`);
  });
});
