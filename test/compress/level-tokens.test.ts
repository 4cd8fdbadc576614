import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { advance } from '../../pipeline/compress/advance.ts';
import { ownTokens, teacherTokens } from '../../pipeline/compress/level-tokens.ts';
import { pack, unpack } from '../../pipeline/compress/packed-stream.ts';
import { enterEncoder, forward } from '../../pipeline/model/encoder.ts';
import { disposeFfn, teacherFfn, uploadFfn } from '../../pipeline/model/ffn-tensors.ts';
import { sliceFfn } from '../../pipeline/model/ffn-weights.ts';
import { hostFfn } from '../../pipeline/model/host-weights.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import { random } from '../../pipeline/util/random.ts';
import { strongWeights, tinyArchitecture } from '../support/checkpoints.ts';
import { describeOnEachEngine } from '../support/engines.ts';

const { depth, width } = tinyArchitecture;
const images = 6;
const tokens = 5;
const host = strongWeights(tinyArchitecture);

describeOnEachEngine('streams of a compressed model', () => {
  it('are those of its forward pass, up to 16 bits, and their targets lead back to the teacher', () => {
    const model = uploadTeacher(host, tinyArchitecture);
    const cut = Array.from({ length: depth }, (_, block) =>
      uploadFfn(sliceFfn(hostFfn(host, block), [0, 2, 4, 6, 8, 10])),
    );
    tf.tidy(() => {
      const stream = random(7, 'pixels');
      const values = Float32Array.from({ length: images * 8 * 8 * 3 }, () => stream.normal());
      const pixels = tf.tensor4d(values, [images, 8, 8, 3]);
      const start = pack(tf.reshape(enterEncoder(model, pixels), [images * tokens, width]));
      // Two tokens of the second image.
      const rows = tf.tensor1d([tokens, tokens + 3], 'int32');
      const chosen = (x: tf.Tensor): tf.Tensor => tf.gather(tf.reshape(x, [images * tokens, width]), rows);
      for (let block = 0; block < depth; block++) {
        const name = `block-0${block}` as const;
        const capture = [
          `${name}.attention.output`,
          `${name}.ffn.input`,
          `${name}.ffn.output`,
          `${name}.output`,
        ] as const;
        const whole = forward(model, pixels, { capture }).features;
        const student = forward(model, pixels, { capture, ffn: (index) => cut[index]! }).features;
        const at = (ffnOf: (block: number) => ReturnType<typeof teacherFfn>) =>
          advance(model, start, images, { from: 0, to: block, ffnOf });
        const [ofTeacher, own] = [at((index) => teacherFfn(model, index)), at((index) => cut[index]!)];
        assert.equal(own === start, block === 0);
        near(unpack(own), tf.reshape(student[`${name}.attention.output`]!, [images * tokens, width]));
        const teacher = teacherTokens(model, block, ofTeacher, rows);
        near(teacher.input, chosen(whole[`${name}.ffn.input`]!));
        near(teacher.target, chosen(whole[`${name}.ffn.output`]!));
        const found = ownTokens(model, block, own, rows, teacher);
        near(found.input, chosen(student[`${name}.ffn.input`]!));
        near(
          tf.add(found.target, chosen(student[`${name}.attention.output`]!)),
          chosen(whole[`${name}.output`]!),
        );
      }
    });
    cut.forEach(disposeFfn);
    model.dispose();
  });
});

/** Off by less than a thousandth of the largest value: a block of these weights multiplies the rounding by some. */
function near(found: tf.Tensor, expected: tf.Tensor): void {
  const largest = (tensor: tf.Tensor): number => tf.max(tf.abs(tensor)).dataSync()[0]!;
  const [off, most] = [largest(tf.sub(found, expected)), largest(expected)];
  assert.ok(off < 1e-3 * most, `${off} of ${most}`);
}
