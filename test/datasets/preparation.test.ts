import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeImage } from '../../datasets/decode-image.ts';
import { resizedSize } from '../../datasets/fit-geometry.ts';
import { fitImage } from '../../datasets/fit-image.ts';
import { normalise } from '../../datasets/normalise.ts';
import { presets, resolvePreprocessing } from '../../datasets/preprocessing.ts';
import { present } from '../support/present.ts';
import { preparationCases, preparationFolder, readTensors } from './preparation.ts';

/**
 * Of 255, where an image is shrunk: sharp does that and not Pillow's arithmetic. On 47 x 33 pixels that is much; on
 * photographs the mean is below 0.5. Everything else is the same to float32's last digits.
 */
const shrinking = { mean: 0.8, most: 8 };
const exact = { mean: 1e-4, most: 1e-4 };

describe('what a model is given, against the Python sample of the README', () => {
  const cases = preparationCases();
  const expected = readTensors(join(preparationFolder, 'expected.json'));

  for (const { name, photo, preset, preprocessing } of cases) {
    it(`is the same: ${name}`, async () => {
      const { crop, channels, std } = preprocessing;
      if (preset !== undefined) {
        const model = { imageSize: crop, channels };
        assert.deepEqual(resolvePreprocessing(preset as keyof typeof presets, model), preprocessing);
      }
      const image = await decodeImage(readFileSync(join(preparationFolder, photo)));
      const values = normalise(await fitImage(image, preprocessing), preprocessing);
      const theirs = present(expected.get(name));
      assert.equal(values.length, theirs.length);
      const count = values.length / channels;
      let most = 0;
      let sum = 0;
      values.forEach((value, at) => {
        const c = at % channels;
        const off = Math.abs(value - theirs[c * count + (at - c) / channels]!) * std[c]! * 255;
        most = Math.max(most, off);
        sum += off;
      });
      const { width, height } = resizedSize(image, preprocessing);
      const shrinks = width < image.width || height < image.height;
      const allowed = shrinks && preprocessing.interpolation !== 'nearest' ? shrinking : exact;
      assert.ok(
        most <= allowed.most && sum / values.length <= allowed.mean,
        `${most}, ${sum / values.length}`,
      );
    });
  }

  it('covers every preset', () => {
    const named = new Set(cases.map(({ preset }) => preset));
    assert.deepEqual(
      Object.keys(presets).filter((preset) => !named.has(preset)),
      [],
    );
  });
});
