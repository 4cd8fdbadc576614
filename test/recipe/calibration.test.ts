import assert from 'node:assert/strict';
import {
  calibrationImages,
  chainImages,
  sampledRows,
  sampledTokens,
} from '../../pipeline/recipe/calibration.ts';
import { tinyArchitecture } from '../support/checkpoints.ts';

const items = Array.from({ length: 50 }, (_, image) => image);

describe('calibration images', () => {
  it('are cut at random: a share is held out, at least one, and none is lost', () => {
    const { training, heldOut } = calibrationImages({ seed: 1, heldOut: 0.1 }, items);
    assert.deepEqual([training.length, heldOut.length], [45, 5]);
    assert.deepEqual(
      [...training, ...heldOut].sort((a, b) => a - b),
      items,
    );
    assert.notDeepEqual(heldOut, items.slice(0, 5));
    assert.equal(calibrationImages({ seed: 1, heldOut: 0.01 }, items.slice(0, 3)).heldOut.length, 1);
  });

  it('of a chain are at most as many as asked for and as there are, with their share held out', () => {
    const most = { images: 20, heldOut: 0.1 };
    assert.deepEqual(chainImages(most, { training: 45, heldOut: 5 }), { training: 18, heldOut: 2 });
    assert.deepEqual(chainImages(most, { training: 10, heldOut: 1 }), { training: 10, heldOut: 1 });
    assert.deepEqual(chainImages(most, { training: 45, heldOut: 0 }), { training: 20, heldOut: 0 });
  });

  it('keep the same tokens wherever an image is met, the class token first', () => {
    const calibration = { seed: 1, tokensPerImage: 3 };
    const together = sampledRows(calibration, tinyArchitecture, ['a', 'b'], 0);
    const alone = sampledRows(calibration, tinyArchitecture, ['b'], 0);
    assert.equal(sampledTokens(calibration, tinyArchitecture, 0), 3);
    assert.equal(together.length, 6);
    assert.deepEqual(
      [...together.subarray(3)].map((row) => row - 5),
      [...alone],
    );
    assert.equal(alone[0], 0);
    assert.equal(sampledTokens({ tokensPerImage: null }, tinyArchitecture, 0), 5);
  });
});
