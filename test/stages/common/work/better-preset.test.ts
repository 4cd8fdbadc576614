import assert from 'node:assert/strict';
import { normalisations, resolvePreprocessing } from '../../../../datasets/preprocessing.ts';
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
  const images = 256;
  /** The first so many images are right; all are of class 1. */
  const predictions = (right: number) => ({
    labels: new Array<number>(images).fill(1),
    predicted: Array.from({ length: images }, (_, image) => (image < right ? 1 : 0)),
  });
  let tried: Preprocessing[];
  /** These many are right with the mean and std of ImageNet, half of them otherwise; some fewer where resized otherwise. */
  const predicting =
    (right: number, otherwise = right) =>
    (prepared: Preprocessing) => {
      tried.push(prepared);
      const imagenet = prepared.mean[0] === normalisations(3).imagenet.mean[0];
      return Promise.resolve(
        predictions(imagenet ? (prepared.resize === half.resize ? right : otherwise) : images / 2),
      );
    };
  beforeEach(() => (tried = []));

  it('is found where it is clearly better on the same images, and advised as it was tried', async () => {
    const found = await betterPreset(half, predictions(150), predicting(230));
    assert.equal(found?.setting, 'imagenet');
    assert.deepEqual([found.top1, found.chosenTop1], [(100 * 230) / 256, (100 * 150) / 256]);
    assert.deepEqual(tried[0], { ...half, ...normalisations(3).imagenet }, 'nothing else is changed');
    assert.deepEqual(tried.at(-1), resolvePreprocessing('imagenet', { imageSize: 32, channels: 3 }));
  });

  it('is advised with the sizes it was found with where the preset of that name resizes worse', async () => {
    const found = await betterPreset(half, predictions(150), predicting(230, 180));
    assert.equal(
      found?.setting,
      '{ resize: 32, resizeMode: "shortest", interpolation: "bicubic", crop: 32, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] }',
    );
    assert.equal(found.top1, (100 * 230) / 256);
  });

  it('is not found where luck may explain the difference', async () => {
    // Nine images more: one in 512.
    assert.equal(await betterPreset(half, predictions(151), predicting(160)), undefined);
    assert.equal(tried.length, 2, 'all but the chosen one were tried');
  });

  it('is not looked for where nothing can be better', async () => {
    assert.equal(await betterPreset(half, predictions(256), predicting(256)), undefined);
    assert.equal(await betterPreset(half, predictions(250), predicting(256)), undefined);
    assert.deepEqual(tried, []);
  });
});
