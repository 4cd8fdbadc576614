import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { mkdtemp, rm, truncate } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { composedProblems } from '../../pipeline/compress/fit-problems.ts';
import { createClassShare } from '../../pipeline/compress/class-share.ts';
import { refit } from '../../pipeline/compress/refit.ts';
import {
  advanceStreams,
  memoryStore,
  startStreams,
  visitLevels,
  type StreamStore,
} from '../../pipeline/compress/streams.ts';
import { visitGradients } from '../../pipeline/compress/visit-gradients.ts';
import { likeliestLabels } from '../support/likeliest-labels.ts';
import { sliceFfn } from '../../pipeline/model/ffn-weights.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import { disposeFfn, uploadFfn, type FfnTensors } from '../../pipeline/model/ffn-tensors.ts';
import { hostFfn } from '../../pipeline/model/host-weights.ts';
import { uploadTeacher, type TeacherTensors } from '../../pipeline/model/upload.ts';
import { streamFolder } from '../../pipeline/recipe/stream-folder.ts';
import { random } from '../../pipeline/util/random.ts';
import { strongWeights, tinyArchitecture } from '../support/checkpoints.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { present } from '../support/present.ts';

const { hidden, depth } = tinyArchitecture;
const tokens = 5;
const imagesPerBatch = 6;
const weights = strongWeights(tinyArchitecture);
const all = Int32Array.from({ length: imagesPerBatch * tokens }, (_, row) => row);
const kept = Array.from({ length: Math.floor(hidden / 2) }, (_, j) => 2 * j);

function pixelsOf(batch: number): tf.Tensor4D {
  const stream = random(7, 'pixels', batch);
  const values = Float32Array.from({ length: imagesPerBatch * 8 * 8 * 3 }, () => stream.normal());
  return tf.tensor4d(values, [imagesPerBatch, 8, 8, 3]);
}

// eslint-disable-next-line @typescript-eslint/require-await -- the images of a run come from files
async function* pixels(): AsyncGenerator<tf.Tensor4D> {
  for (const batch of [0, 1]) yield pixelsOf(batch);
}

const largest = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Array.from(a).reduce((max, value, i) => Math.max(max, Math.abs(value - b[i]!)), 0);

describeOnEachEngine('streams', () => {
  let model: TeacherTensors;
  beforeEach(() => {
    model = uploadTeacher(weights, tinyArchitecture);
  });

  it('follow the compressed model, and their targets lead back to the teacher', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'blockforge-streams-'));
    const stores: StreamStore[] = [memoryStore(), streamFolder(folder)];
    const cut = [0, 1].map((block) => sliceFfn(hostFfn(weights, block), kept));
    const descendant = cut.map(uploadFfn);
    for (const store of stores) {
      const streams = await startStreams(model, store, 2, pixels());
      for (let block = 0; block < depth; block++) {
        const name = `block-0${block}` as const;
        const capture = [`${name}.attention.output`, `${name}.ffn.input`, `${name}.output`] as const;
        const seen: { target: Float32Array; input: Float32Array }[][] = [[], []];
        await visitLevels(
          streams,
          block,
          () => all,
          (level, found, batch) => {
            seen[level]![batch] = {
              target: found.target.dataSync<'float32'>(),
              input: found.input.dataSync<'float32'>(),
            };
          },
        );
        for (const batch of [0, 1]) {
          tf.tidy(() => {
            const images = pixelsOf(batch);
            const teacher = forward(model, images, { capture }).features;
            const student = forward(model, images, { capture, ffn: (index) => descendant[index]! }).features;
            const after = teacher[`${name}.output`]!.dataSync();
            const before = student[`${name}.attention.output`]!.dataSync();
            assert.ok(largest(seen[1]![batch]!.input, student[`${name}.ffn.input`]!.dataSync()) < 1e-4);
            const restored = before.map((value, i) => value + seen[1]![batch]!.target[i]!);
            assert.ok(largest(restored, after) < 1e-4);
            const own = teacher[`${name}.attention.output`]!.dataSync();
            assert.ok(
              largest(
                own.map((value, i) => value + seen[0]![batch]!.target[i]!),
                after,
              ) < 1e-4,
            );
          });
        }
        await advanceStreams(streams, block, [cut[block]!]);
      }
    }
    await (stores[1] as ReturnType<typeof streamFolder>).close();
    descendant.forEach(disposeFfn);
    await rm(folder, { recursive: true });
    model.dispose();
  });

  it('refitted on both kinds of inputs bring a compressed model nearer than refits on the teacher alone', async () => {
    const last = `block-0${depth - 1}.output` as const;
    const units = [...kept, ...Array.from({ length: hidden }, (_, j) => j).filter((j) => j % 2 === 1)];
    const errors = new Map<number, number>();
    for (const ownShare of [0, 0.5, 1]) {
      const streams = await startStreams(model, memoryStore(), 2, pixels());
      const options = { sampled: tokens, weights: { prefixTokens: 1, prefix: 1, patch: 1 }, ownShare };
      const ffns: FfnTensors[] = [];
      for (let block = 0; block < depth; block++) {
        const problems = await composedProblems(
          streams,
          block,
          () => all,
          () => true,
          options,
        );
        const { statistics, targets } = problems[0]!;
        const fit = refit(
          hostFfn(weights, block),
          statistics,
          units,
          [kept.length],
          { ridge: 1e-6, method: 'affine' },
          targets,
        )[0]!;
        ffns.push(uploadFfn(fit.weights));
        await advanceStreams(streams, block, [fit.weights]);
      }
      const error = [0, 1].reduce((sum, batch) => {
        return tf.tidy(() => {
          const images = pixelsOf(batch);
          const teacher = forward(model, images, { capture: [last] }).features[last];
          const student = forward(model, images, { capture: [last], ffn: (index) => ffns[index]! }).features[
            last
          ];
          return sum + tf.sum(tf.squaredDifference(present(teacher), present(student))).dataSync()[0]!;
        });
      }, 0);
      errors.set(ownShare, error);
      ffns.forEach(disposeFfn);
    }
    model.dispose();
    // In sample, so the fit to nothing but the compressed model's own stream must be the best for it.
    assert.ok(
      present(errors.get(0.5)) < present(errors.get(0)) && present(errors.get(1)) < present(errors.get(0)),
      [...errors.values()].join(' '),
    );
  });

  it('measure the class token: the same share as summed by hand', () => {
    const share = createClassShare(model);
    const images = pixelsOf(0);
    share.add(images, (image) => random(1, image));
    const found = share.finish();
    assert.equal(found.length, depth);
    assert.ok(found.every((value) => value > 0 && value <= 1));
    // Behind the last block the head reads the class token only.
    assert.equal(found[depth - 1], 1);
    let ofClass = 0;
    let ofAll = 0;
    visitGradients(model, images, all, likeliestLabels, (block, { outputGradient }) => {
      if (block !== 0) return;
      const squares = tf.tidy(() => tf.sum(tf.square(outputGradient), 1).dataSync());
      squares.forEach((square, row) => {
        ofAll += square;
        if (row % tokens === 0) ofClass += square;
      });
    });
    // Another label moves it, but not far.
    assert.ok(Math.abs(found[0]! - ofClass / ofAll) < 0.3);
    images.dispose();
    model.dispose();
  });
});

describe('a stream folder', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'blockforge-streams-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  const filled = async (key: string): Promise<void> => {
    const store = streamFolder(folder);
    for (const level of [0, 1]) {
      await store.write(level, 0, Float32Array.of(level, 1, 2));
      await store.write(level, 1, Float32Array.of(level, 3));
    }
    await store.turn(key);
    await store.close();
  };

  it('finds what was left there, and reads it batch by batch', async () => {
    await filled('a');
    const store = streamFolder(folder);
    assert.equal(await store.find('a', 2), true);
    assert.deepEqual(await store.read(1, 1), Float32Array.of(1, 3));
    assert.deepEqual(await store.read(0, 0), Float32Array.of(0, 1, 2));
    await store.close();
  });

  it('finds nothing under another name, of another number of levels, cut short, or not finished', async () => {
    await filled('a');
    const found = async (key: string, levels: number) => {
      const store = streamFolder(folder);
      const is = await store.find(key, levels);
      await store.close();
      return is;
    };
    assert.equal(await found('b', 2), false);
    assert.equal(await found('a', 3), false);
    const unfinished = streamFolder(folder);
    await unfinished.write(0, 0, Float32Array.of(9));
    await unfinished.close();
    assert.equal(await found('a', 2), true);
    await truncate(join(folder, 'now', 'level-1.f32'), 8);
    assert.equal(await found('a', 2), false);
  });
});
