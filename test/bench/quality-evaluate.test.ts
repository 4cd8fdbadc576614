import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { openEvaluation } from '../../bench/quality/evaluate.ts';
import { measuredWidths } from '../../bench/quality/measured-widths.ts';
import { scoreLogits, teacherReference } from '../../pipeline/measure/score-logits.ts';
import { sliceFfn } from '../../pipeline/model/ffn-weights.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import { disposeFfn, uploadFfn } from '../../pipeline/model/ffn-tensors.ts';
import { hostFfn } from '../../pipeline/model/host-weights.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import { random } from '../../pipeline/util/random.ts';
import { strongWeights, tinyArchitecture } from '../support/checkpoints.ts';
import { describeOnEachEngine } from '../support/engines.ts';

const { depth, hidden, classes } = tinyArchitecture;
const host = strongWeights(tinyArchitecture);
const blocks = Array.from({ length: depth }, (_, block) => hostFfn(host, block));
const first = Array.from({ length: 5 }, (_, unit) => unit);

function pixelsOf(batch: number): tf.Tensor4D {
  const stream = random(batch, 'quality', 'pixels');
  return tf.tensor4d(
    Float32Array.from({ length: 3 * 8 * 8 * 3 }, () => stream.normal()),
    [3, 8, 8, 3],
  );
}

// eslint-disable-next-line @typescript-eslint/require-await -- images come from files, as a rule
async function* batches(label = 2) {
  for (const batch of [0, 1]) {
    const labels = Int32Array.of(0, label, 4);
    yield { pixels: pixelsOf(batch), labels, ids: [0, 1, 2].map((image) => `${batch}-${image}`) };
  }
}

describeOnEachEngine('quality evaluation', () => {
  it('scores a model as whole forward passes do, and the teacher against itself as equal', async () => {
    const model = uploadTeacher(host, tinyArchitecture);
    let seen = 0;
    const evaluation = await openEvaluation(model, batches(), (count) => (seen += count));
    const cut = [sliceFfn(blocks[0]!, first), blocks[1]!];
    const same = await evaluation.score('same', blocks);
    const found = await evaluation.score('cut', cut);
    evaluation.dispose();
    assert.equal(seen, 18);
    assert.equal(evaluation.ids.length, 6);
    assert.ok(same.agree.every((value) => value === 1));
    assert.ok(same.kl.every((value) => value < 1e-6));
    assert.deepEqual(same.correct, evaluation.teacher.correct);

    const uploaded = cut.map(uploadFfn);
    for (const batch of [0, 1]) {
      const pixels = pixelsOf(batch);
      const [teacher, logits] = tf.tidy(() => [
        forward(model, pixels).logits.dataSync<'float32'>(),
        forward(model, pixels, { ffn: (block) => uploaded[block]! }).logits.dataSync<'float32'>(),
      ]);
      pixels.dispose();
      const expected = scoreLogits(logits, Int32Array.of(0, 2, 4), teacherReference(teacher, classes));
      assert.deepEqual(found.correct.slice(3 * batch, 3 * batch + 3), expected.correct);
      expected.kl.forEach((value, image) =>
        assert.ok(Math.abs(value - found.kl[3 * batch + image]!) < 1e-4 * (1 + value)),
      );
      assert.ok(expected.kl.some((value) => value > 1e-3));
    }
    uploaded.forEach(disposeFfn);
    model.dispose();
  });

  it('allocates widths by single-block divergences, within every budget, whatever the labels', async () => {
    const model = uploadTeacher(host, tinyArchitecture);
    const candidates = blocks.map((weights) => [
      weights,
      ...[9, 6, 3].map((width) =>
        sliceFfn(
          weights,
          Array.from({ length: width }, (_, unit) => unit),
        ),
      ),
    ]);
    const budgets = [2 * hidden, 15, 12, 6];
    const ask = (label: number) =>
      measuredWidths({
        model,
        batches: batches(label),
        candidates,
        budgets,
        onImages: () => undefined,
      });
    const widths = await ask(2);
    assert.deepEqual(widths[0], [hidden, hidden]);
    assert.deepEqual(widths[3], [3, 3]);
    widths.forEach((some, i) => assert.ok(some.reduce((a, b) => a + b, 0) <= budgets[i]!));
    assert.deepEqual(await ask(4), widths);
    model.dispose();
  });
});
