import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { countCorrect } from '../../pipeline/measure/accuracy.ts';
import { summariseScores, type Scores } from '../../pipeline/measure/scores.ts';
import { sweep, type LabelledBatch } from '../../pipeline/measure/sweep.ts';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import { sliceFfn } from '../../pipeline/model/ffn-weights.ts';
import { initialWeights } from '../../pipeline/model/initial-weights.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import { disposeFfn, teacherFfn, uploadFfn, type FfnTensors } from '../../pipeline/model/ffn-tensors.ts';
import { hostFfn } from '../../pipeline/model/host-weights.ts';
import { uploadTeacher, type TeacherTensors } from '../../pipeline/model/upload.ts';
import { BlockForgeError } from '../../pipeline/util/failure.ts';
import { random } from '../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { present } from '../support/present.ts';

const architecture: Architecture = {
  imageSize: 8,
  patchSize: 4,
  channels: 1,
  width: 12,
  depth: 3,
  heads: 3,
  hidden: 24,
  classes: 7,
  layerNormEpsilon: 1e-6,
  gelu: 'exact',
};

/** Weights large enough that FFN blocks matter to the logits. */
function host(settings = architecture) {
  const weights = initialWeights(settings, 5);
  for (const [name, { data }] of Object.entries(weights)) {
    if (!name.includes('norm')) for (let i = 0; i < data.length; i++) data[i]! *= 15;
  }
  return weights;
}

interface Rig {
  readonly model: TeacherTensors;
  readonly descendants: { id: string; block: number; ffn: FfnTensors }[];
  readonly models: { id: string; ffn: (block: number) => FfnTensors }[];
  readonly data: Float32Array;
  readonly labels: Int32Array;
  dispose(): void;
}

function rig(depth = 3, images = 10): Rig {
  const settings = { ...architecture, depth };
  const weights = host(settings);
  const model = uploadTeacher(weights, settings);
  const ffn = (block: number, count: number) =>
    uploadFfn(
      sliceFfn(
        hostFfn(weights, block),
        Array.from({ length: count }, (_, unit) => unit),
      ),
    );
  const descendants = Array.from({ length: depth }, (_, block) => block).flatMap((block) =>
    [16, 6].map((count) => ({ id: `block-0${block}/w00${count}`, block, ffn: ffn(block, count) })),
  );
  const draw = random(2, 'images');
  return {
    model,
    descendants,
    models: [0, 1].map((step) => ({
      id: `uniform/${step}`,
      ffn: (block) => descendants[2 * block + step]!.ffn,
    })),
    data: Float32Array.from({ length: images * 64 }, () => draw.normal()),
    labels: Int32Array.from({ length: images }, () => draw.integer(7)),
    dispose() {
      model.dispose();
      descendants.forEach(({ ffn }) => disposeFfn(ffn));
    },
  };
}

// eslint-disable-next-line @typescript-eslint/require-await -- images come from files, as a rule
async function* batchesOf({ data, labels }: Rig, size: number): AsyncGenerator<LabelledBatch> {
  for (let start = 0; start < labels.length; start += size) {
    const end = Math.min(labels.length, start + size);
    yield {
      pixels: tf.tensor4d(data.slice(start * 64, end * 64), [end - start, 8, 8, 1]),
      labels: labels.slice(start, end),
      ids: Array.from({ length: end - start }, (_, i) => `image-${start + i}`),
    };
  }
}

/** The scores by whole forward passes and textbook formulas. */
function naive(rig: Rig, ffn?: (block: number) => FfnTensors): Scores & { logits: number[][] } {
  const all = (option?: (block: number) => FfnTensors) =>
    tf.tidy(() => {
      const pixels = tf.tensor4d(rig.data, [rig.labels.length, 8, 8, 1]);
      return forward(rig.model, pixels, option && { ffn: option }).logits.arraySync();
    });
  const [teacher, logits] = [all(), all(ffn)];
  const softmax = (row: number[]) => {
    const total = row.reduce((sum, value) => sum + Math.exp(value), 0);
    return row.map((value) => Math.exp(value) / total);
  };
  const best = (row: number[]) => row.indexOf(Math.max(...row));
  const kl = logits.map((row, i) => {
    const [p, q] = [softmax(teacher[i]!), softmax(row)];
    return p.reduce((sum, value, c) => sum + value * Math.log(value / q[c]!), 0);
  });
  const place = (row: number[], label: number) => [...row].sort((a, b) => b - a).indexOf(row[label]!);
  return {
    logits,
    correct: Uint8Array.from(logits, (row, i) => +(best(row) === rig.labels[i])),
    top5: Uint8Array.from(logits, (row, i) => +(place(row, rig.labels[i]!) < 5)),
    agree: Uint8Array.from(logits, (row, i) => +(best(row) === best(teacher[i]!))),
    kl: Float32Array.from(kl),
  };
}

function assertScores(found: Scores, expected: Scores, id: string): void {
  assert.deepEqual(found.correct, expected.correct, id);
  assert.deepEqual(found.top5, expected.top5, id);
  assert.deepEqual(found.agree, expected.agree, id);
  found.kl.forEach((value, image) =>
    assert.ok(Math.abs(value - expected.kl[image]!) < 2e-5, `${id} ${value} ${expected.kl[image]}`),
  );
}

describeOnEachEngine('measure/sweep', () => {
  it('gives every model the scores of its own whole forward passes, whatever the batch size', async () => {
    const set = rig();
    const expected = new Map([
      ['teacher', naive(set)],
      ...set.descendants.map(({ id, block, ffn }) => {
        const scores = naive(set, (index) => (index === block ? ffn : teacherFfn(set.model, index)));
        // The test would pass on anything if descendants did not matter.
        assert.ok(summariseScores(scores).kl > 1e-4, id);
        return [id, scores] as const;
      }),
      ...set.models.map(({ id, ffn }) => [id, naive(set, ffn)] as const),
    ]);
    for (const size of [4, 10]) {
      const { ids, models } = await sweep({ ...set, batches: batchesOf(set, size) });
      assert.deepEqual(
        ids,
        Array.from({ length: 10 }, (_, i) => `image-${i}`),
      );
      assert.deepEqual([...models.keys()], [...expected.keys()]);
      for (const [id, scores] of expected) assertScores(present(models.get(id)), scores, id);
    }
    set.dispose();
  });

  it('gives the teacher no divergence from itself, also through its own block as a descendant', async () => {
    const set = rig();
    const own = [0, 2].map((block) => ({ id: `own-${block}`, block, ffn: teacherFfn(set.model, block) }));
    const { models } = await sweep({
      model: set.model,
      batches: batchesOf(set, 5),
      descendants: own,
      models: [],
    });
    for (const scores of models.values()) {
      assert.equal(summariseScores(scores).agreementPercent, 100);
      assert.ok(scores.kl.every((value) => value < 1e-9));
    }
    assert.deepEqual(models.get('own-2'), models.get('teacher'));
    set.dispose();
  });

  it('exchanges single blocks in any other model as exactly', async () => {
    const set = rig();
    const narrow = set.models[1]!;
    const wide = [0, 1, 2].map((block) => ({
      id: `sparsest/${set.descendants[2 * block]!.id}`,
      block,
      ffn: set.descendants[2 * block]!.ffn,
    }));
    const own = { id: 'sparsest/own', block: 1, ffn: teacherFfn(set.model, 1) };
    const { models } = await sweep({
      model: set.model,
      batches: batchesOf(set, 4),
      descendants: [],
      models: [],
      contexts: [{ id: 'sparsest', ffn: narrow.ffn, variants: [...wide, own] }],
    });
    assert.deepEqual([...models.keys()], ['teacher', 'sparsest', ...wide.map(({ id }) => id), own.id]);
    assertScores(present(models.get('sparsest')), naive(set, narrow.ffn), 'sparsest');
    for (const { id, block, ffn } of [...wide, own]) {
      const expected = naive(set, (index) => (index === block ? ffn : narrow.ffn(index)));
      assertScores(present(models.get(id)), expected, id);
      assert.ok(Math.abs(summariseScores(expected).kl - summariseScores(naive(set, narrow.ffn)).kl) > 1e-4);
    }
    set.dispose();
  });

  it('works on a model of one block', async () => {
    const set = rig(1);
    const { models } = await sweep({ ...set, batches: batchesOf(set, 10) });
    for (const { id, ffn } of set.descendants)
      assertScores(
        present(models.get(id)),
        naive(set, () => ffn),
        id,
      );
    set.dispose();
  });

  it('counts what the teacher gets right', async () => {
    const set = rig();
    const correct = await countCorrect(set.model, batchesOf(set, 3));
    assert.equal(
      correct,
      naive(set).correct.reduce((sum, value) => sum + value, 0),
    );
    const { ffn } = set.models[1]!;
    assert.equal(
      await countCorrect(set.model, batchesOf(set, 3), { ffn }),
      naive(set, ffn).correct.reduce((sum, value) => sum + value, 0),
    );
    set.dispose();
  });

  it('names the model and the image of an output that is not finite', async () => {
    const set = rig();
    const broken = hostFfn(host(), 1);
    broken.fc2Bias[0] = NaN;
    const ffn = uploadFfn(broken);
    await assert.rejects(
      sweep({
        ...set,
        batches: batchesOf(set, 10),
        descendants: [{ id: 'block-01/w0024', block: 1, ffn }],
      }),
      (error) =>
        error instanceof BlockForgeError &&
        error.failure.reason === 'not-finite' &&
        error.message.includes('block-01/w0024') &&
        error.message.includes('image-0'),
    );
    disposeFfn(ffn);
    set.dispose();
  });

  it('stops when asked to, leaves no tensor, and reports its progress', async () => {
    const set = rig();
    const stop = new AbortController();
    const seen: number[] = [];
    const aborted = sweep({
      ...set,
      batches: batchesOf(set, 5),
      images: 10,
      signal: stop.signal,
      onProgress: ({ fraction }) => {
        seen.push(fraction);
        stop.abort(new Error('enough'));
      },
    });
    await assert.rejects(aborted, /enough/);
    assert.deepEqual(seen, [0.5]);
    set.dispose();
  });
});
