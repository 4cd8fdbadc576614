import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inspectCheckpoint } from '../../pipeline/checkpoint/inspect.ts';
import { readTeacher } from '../../pipeline/checkpoint/teacher-file.ts';
import { unitFeatures } from '../../pipeline/measure/feature-loss.ts';
import { featureJudge } from '../../pipeline/measure/feature-judge.ts';
import { readEmbeddings } from '../../pipeline/measure/index-file.ts';
import { zeroShot } from '../../pipeline/measure/voters.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import { describeOnEachEngine } from '../support/engines.ts';

const folder = join(import.meta.dirname, '../fixtures/teachers');
const { logits: expected } = JSON.parse(readFileSync(join(folder, 'zero-shot.json'), 'utf8')) as {
  logits: number[];
};
const [images, classes] = [10, 3];

describeOnEachEngine('zero-shot classes of a CLIP', () => {
  it("are those of transformers' whole model, by embeddings made as the docs say", async () => {
    const { architecture, ...inspection } = await inspectCheckpoint(
      join(folder, 'zero-shot-clip.safetensors'),
      {
        hints: { imageSize: 8, heads: 2, layerNormEpsilon: 1e-5, gelu: 'quick' },
      },
    );
    const model = uploadTeacher(await readTeacher({ architecture, ...inspection }), architecture);
    // As make-zero-shot.py: channels outside.
    const sines = Float32Array.from({ length: images * 3 * 64 }, (_, i) => Math.sin(i ** 1.5 * 0.7));
    const pixels = tf.tidy(() => tf.transpose(tf.tensor(sines, [images, 3, 8, 8]), [0, 2, 3, 1]));
    const answers = forward(model, pixels).logits;
    const { rows, width, data } = await readEmbeddings(join(folder, 'zero-shot-text.safetensors'));
    assert.deepEqual([rows, width, answers.shape], [classes, architecture.classes, [images, width]]);
    const features = Float32Array.from(unitFeatures(data, width));
    const labels = Int32Array.from({ length: rows }, (_, row) => row);
    const judge = featureJudge(width, zeroShot({ width, classes, features, labels }));
    const values = await answers.data<'float32'>();
    const { chosen } = judge.said(values, new Int32Array(images));
    const best = Array.from({ length: images }, (_, image) => {
      const own = expected.slice(image * classes, (image + 1) * classes);
      return own.indexOf(Math.max(...own));
    });
    assert.deepEqual([...chosen], best);
    const units = unitFeatures(values, width);
    for (const [place, logit] of expected.entries()) {
      const [image, row] = [Math.floor(place / classes), place % classes];
      const cosine = features
        .subarray(row * width, (row + 1) * width)
        .reduce((sum, value, i) => sum + value * units[image * width + i]!, 0);
      // CLIP's scale before any training.
      assert.ok(Math.abs(Math.exp(2.6592) * cosine - logit) < 1e-4, `image ${image}, class ${row}`);
    }
    assert.ok(new Set(best).size > 1, 'one class alone would prove nothing');
    judge.dispose();
    tf.dispose([pixels, answers]);
    model.dispose();
  });
});
