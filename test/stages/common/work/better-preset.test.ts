import assert from 'node:assert/strict';
import { normalisations } from '../../../../datasets/preprocessing.ts';
import type { Preprocessing } from '../../../../datasets/contract.ts';
import { betterPreset } from '../../../../pipeline/stages/common/work/better-preset.ts';

const half: Preprocessing = {
  resize: 32,
  resizeMode: 'shortest',
  interpolation: 'bicubic',
  crop: 32,
  channels: 3,
  ...normalisations(3).half,
};

describe('a better preset', () => {
  let tried: Preprocessing[];
  /** 256 images, of which these many are right with the mean and std of ImageNet, half of them otherwise. */
  const scoring = (right: number) => (prepared: Preprocessing, most: number) => {
    tried.push(prepared);
    const imagenet = prepared.mean[0] === normalisations(3).imagenet.mean[0];
    return Promise.resolve({ correct: imagenet ? right : most / 2, images: most });
  };
  beforeEach(() => (tried = []));

  it('is found where it is clearly better than all the images with the chosen one', async () => {
    assert.deepEqual(await betterPreset(half, 60, scoring(230)), {
      name: 'imagenet',
      top1: (100 * 230) / 256,
    });
    assert.deepEqual(tried[0], { ...half, ...normalisations(3).imagenet }, 'nothing else is changed');
  });

  it('is not found where luck may explain the difference', async () => {
    // 62.5 % of 256 images, and an interval that begins below 60 %.
    assert.equal(await betterPreset(half, 60, scoring(160)), undefined);
    assert.equal(tried.length, 2, 'all but the chosen one were tried');
  });

  it('is not looked for where nothing can be better', async () => {
    assert.equal(await betterPreset(half, 100, scoring(256)), undefined);
    assert.deepEqual(tried, []);
  });
});
