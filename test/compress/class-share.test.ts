import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { createClassShare } from '../../pipeline/compress/class-share.ts';
import { visitGradients } from '../../pipeline/compress/visit-gradients.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import { random } from '../../pipeline/util/random.ts';
import { strongWeights, tinyArchitecture } from '../support/checkpoints.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { likeliestLabels } from '../support/likeliest-labels.ts';

const { depth } = tinyArchitecture;
const tokens = 5;
const images = 6;
const all = Int32Array.from({ length: images * tokens }, (_, row) => row);

describeOnEachEngine('the share of the class token', () => {
  it('is the same as summed by hand', () => {
    const model = uploadTeacher(strongWeights(tinyArchitecture), tinyArchitecture);
    const stream = random(7, 'pixels', 0);
    const values = Float32Array.from({ length: images * 8 * 8 * 3 }, () => stream.normal());
    const pixels = tf.tensor4d(values, [images, 8, 8, 3]);
    const share = createClassShare(model);
    share.add(pixels, (image) => random(1, image));
    const found = share.finish();
    assert.equal(found.length, depth);
    assert.ok(found.every((value) => value > 0 && value <= 1));
    // Behind the last block the head reads the class token only.
    assert.equal(found[depth - 1], 1);
    let ofClass = 0;
    let ofAll = 0;
    visitGradients(model, pixels, all, likeliestLabels, (block, { outputGradient }) => {
      if (block !== 0) return;
      const squares = tf.tidy(() => tf.sum(tf.square(outputGradient), 1).dataSync());
      squares.forEach((square, row) => {
        ofAll += square;
        if (row % tokens === 0) ofClass += square;
      });
    });
    // Another label moves it, but not far.
    assert.ok(Math.abs(found[0]! - ofClass / ofAll) < 0.3);
    pixels.dispose();
    model.dispose();
  });
});
