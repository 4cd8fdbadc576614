import assert from 'node:assert/strict';
import { streamKeys, type StreamOrigin } from '../../../../pipeline/stages/blocks/work/inputs.ts';

describe('the names of the streams of a chain', () => {
  const origin: StreamOrigin = {
    chain: 'refit',
    levels: 3,
    training: 90,
    heldOut: 10,
    seed: 1,
    preprocessing: 'p',
    calibration: 's',
    teacher: 't',
  };
  const prefix = ['block 0', 'block 1'];

  it('are one for every block that has been reached, each of its own', () => {
    const keys = streamKeys(origin, prefix);
    assert.equal(new Set(keys).size, 3);
    assert.deepEqual(streamKeys(origin, prefix.slice(0, 1)), keys.slice(0, 2));
  });

  it('are others where an earlier block became another, from there on', () => {
    const [first, second, third] = streamKeys(origin, prefix);
    assert.deepEqual(streamKeys(origin, ['block 0', 'another']).slice(0, 2), [first, second]);
    assert.notEqual(streamKeys(origin, ['block 0', 'another'])[2], third);
    assert.notEqual(streamKeys(origin, ['another', 'block 1'])[2], third);
  });

  it('are others for another chain, other widths, images, seed, preprocessing, splits or teacher', () => {
    const others: Required<StreamOrigin> = {
      chain: 'distill',
      levels: 4,
      training: 91,
      heldOut: 9,
      seed: 2,
      preprocessing: 'P',
      calibration: 'S',
      teacher: 'T',
    };
    for (const [key, value] of Object.entries(others)) {
      const keys = streamKeys({ ...origin, [key]: value }, prefix);
      assert.ok(!keys.some((one) => streamKeys(origin, prefix).includes(one)), key);
    }
  });
});
