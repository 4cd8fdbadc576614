import assert from 'node:assert/strict';
import { normalisations, presets, resolvePreprocessing } from '../../datasets/preprocessing.ts';
import { failure } from './fakes.ts';

const model = { imageSize: 224, channels: 3 as const };
const imagenet = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };
const half = { mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] };

describe('resolvePreprocessing', () => {
  it('knows the usual evaluation pipelines', () => {
    const shortest = { resizeMode: 'shortest', crop: 224, channels: 3 };
    assert.deepEqual(resolvePreprocessing('half', model), {
      ...shortest,
      resize: 248,
      interpolation: 'bicubic',
      ...half,
    });
    assert.deepEqual(resolvePreprocessing('timm', model), {
      ...shortest,
      resize: 248,
      interpolation: 'bicubic',
      ...imagenet,
    });
    const torchvision = { ...shortest, resize: 256, interpolation: 'bilinear', ...imagenet };
    assert.deepEqual(resolvePreprocessing('torchvision', model), torchvision);
    assert.deepEqual(resolvePreprocessing('imagenet', model), torchvision);
    assert.deepEqual(resolvePreprocessing('huggingface', model), {
      resize: 224,
      resizeMode: 'stretch',
      interpolation: 'bilinear',
      crop: 224,
      channels: 3,
      ...half,
    });
    assert.equal(resolvePreprocessing('torchvision', { imageSize: 384, channels: 3 }).resize, 438);
    assert.equal(Object.keys(presets).length, 6);
  });

  it('takes with `auto` what came with the checkpoint, else leaves small images alone', () => {
    const recommended = resolvePreprocessing('timm', model);
    assert.equal(resolvePreprocessing('auto', { ...model, recommended }), recommended);
    const own = resolvePreprocessing('auto', { imageSize: 28, channels: 1 });
    assert.deepEqual([own.resize, own.crop, own.mean, own.std], [28, 28, [0.5], [0.5]]);
  });

  it('fits mean and std to the channels', () => {
    const grey = resolvePreprocessing('imagenet', { imageSize: 224, channels: 1 });
    assert.ok(Math.abs(grey.mean[0]! - 0.449) < 1e-9 && grey.std.length === 1);
    const one = {
      resize: null,
      resizeMode: 'shortest',
      interpolation: 'bicubic',
      crop: 224,
      mean: [0.1],
      std: [2],
    } as const;
    const explicit = resolvePreprocessing({ ...one, mean: [0.1], std: [2] }, model);
    assert.deepEqual(
      [explicit.mean, explicit.std],
      [
        [0.1, 0.1, 0.1],
        [2, 2, 2],
      ],
    );
    assert.deepEqual(normalisations(1).half, { mean: [0.5], std: [0.5] });
  });

  it('refuses what does not fit the model', () => {
    const setting = {
      resize: 248,
      resizeMode: 'shortest',
      interpolation: 'bicubic',
      crop: 224,
      mean: [0.5],
      std: [0.5],
    } as const;
    const given = (changed: object) => () =>
      resolvePreprocessing({ ...setting, mean: [0.5], std: [0.5], ...changed }, model);
    assert.throws(given({ crop: 192 }), failure('config-invalid', 'data.preprocessing.crop', '192', '224'));
    assert.throws(given({ resize: 200 }), failure('config-invalid', 'data.preprocessing.resize', '200'));
    assert.throws(
      given({ mean: [0.5, 0.5] }),
      failure('config-invalid', 'data.preprocessing.mean', '2 values'),
    );
  });
});
