import assert from 'node:assert/strict';
import { normalisations, resolvePreprocessing } from '../../../../datasets/preprocessing.ts';
import type { Preprocessing } from '../../../../datasets/contract.ts';
import { betterFacts } from '../../../../pipeline/stages/common/work/better-facts.ts';
import {
  betterOrder,
  type Levels,
  type Predictions,
} from '../../../../pipeline/stages/common/work/better-order.ts';
import { present } from '../../../support/present.ts';

const half: Preprocessing = {
  resize: 32,
  resizeMode: 'shortest',
  interpolation: 'bicubic',
  crop: 32,
  channels: 3,
  ...normalisations(3).half,
};

describe('a better preset', () => {
  const betterPreset = async (
    ...given: Parameters<typeof betterFacts> extends [...infer A, unknown] ? A : never
  ) => (await betterFacts(...given, () => undefined)).preset;

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
    const { setting, top1 } = present(found.kept);
    assert.match(setting, /resize: 32, resizeMode: "shortest", interpolation: "bicubic".*mean: \[0\.485/);
    assert.equal(top1, found.top1);
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
    assert.equal(found.kept, undefined);
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

describe('what explains the answers of a teacher', () => {
  const [classes, images] = [5, 60];
  const labels = Array.from({ length: images }, (_, image) => image % classes);
  const permuted = [2, 0, 1, 4, 3];
  const orderOf = (found: Predictions, levels: Levels) => betterOrder(found, classes, new Map(), levels);
  const imagenetMean = normalisations(3).imagenet.mean[0];
  /** Of the images that `wrong` tells another class than the label's is said. */
  const says = (outputs: readonly number[], wrong: (image: number) => boolean): Predictions => ({
    labels,
    predicted: labels.map(
      (label, image) => (outputs[label]! + (wrong(image) ? 1 + (image % 4) : 0)) % classes,
    ),
  });
  const facts = (now: Predictions, imagenet: Predictions, otherwise = imagenet) =>
    betterFacts(
      half,
      now,
      ({ mean }) => Promise.resolve(mean[0] === imagenetMean ? imagenet : otherwise),
      orderOf,
    );
  const never = () => false;

  it('is the order where a preset gains images only because it scrambles them', async () => {
    // Nothing is right in the wrong order, and 40 % with another preset.
    const scrambled = {
      labels,
      predicted: labels.map((label, image) => (image % 5 < 2 ? label : (label + 2) % 5)),
    };
    const { preset, order } = await facts(says(permuted, never), scrambled);
    assert.deepEqual([preset, order?.outputs], [undefined, permuted]);
    // So few images that the order would not be told for itself.
    const first = ({ labels: all, predicted }: Predictions) => ({
      labels: Array.from(all).slice(0, 10),
      predicted: Array.from(predicted).slice(0, 10),
    });
    assert.equal((await facts(first(says(permuted, never)), first(scrambled))).preset, undefined);
  });

  it('is the preset where that explains more than any order', async () => {
    const inPlace = [0, 1, 2, 3, 4];
    const { preset, order } = await facts(
      says(inPlace, (image) => image % 2 === 0),
      says(inPlace, never),
    );
    assert.deepEqual([preset?.setting, preset?.top1, order], ['imagenet', 100, undefined]);
  });

  it('is both where only both explain the images', async () => {
    const mediocre = says(permuted, (image) => image % 3 > 0);
    const { preset, order } = await facts(mediocre, says(permuted, never), mediocre);
    assert.deepEqual([preset?.setting, preset?.top1, order?.outputs], ['imagenet', 100, permuted]);
  });

  it('is nothing where the teacher is right', async () => {
    assert.deepEqual(await facts(says([0, 1, 2, 3, 4], never), says(permuted, never)), { order: undefined });
  });
});
