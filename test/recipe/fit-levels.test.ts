import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { forward } from '../../pipeline/model/encoder.ts';
import { disposeFfn, uploadFfn } from '../../pipeline/model/ffn-tensors.ts';
import { sliceFfn, type FfnWeights } from '../../pipeline/model/ffn-weights.ts';
import { hostFfn } from '../../pipeline/model/host-weights.ts';
import { uploadTeacher, type TeacherTensors } from '../../pipeline/model/upload.ts';
import { fitLevels, type FitLevelsOptions, type FittedBlock } from '../../pipeline/recipe/fit-levels.ts';
import { streamFiles } from '../../pipeline/recipe/stream-files.ts';
import { memoryStreams } from '../../pipeline/recipe/stream-store.ts';
import { random } from '../../pipeline/util/random.ts';
import { strongWeights, tinyArchitecture } from '../support/checkpoints.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { present } from '../support/present.ts';

const { depth } = tinyArchitecture;
const host = strongWeights(tinyArchitecture);
const teacher = Array.from({ length: depth }, (_, block) => hostFfn(host, block));
const items = Array.from({ length: 90 }, (_, image) => ({ id: `image-${image}` }));
const training = items.slice(0, 60);
const heldOut = items.slice(60);
const widths = [8, 4];

const pixelsOf = (ids: readonly string[]): tf.Tensor4D => {
  const values = ids.flatMap((id) => {
    const stream = random(7, 'pixels', id);
    return Array.from({ length: 8 * 8 * 3 }, () => stream.normal());
  });
  return tf.tensor4d(values, [ids.length, 8, 8, 3]);
};

type Options = FitLevelsOptions<{ readonly id: string }>;

describeOnEachEngine('fitting whole models', () => {
  let model: TeacherTensors;
  let asked: number;
  before(() => {
    model = uploadTeacher(host, tinyArchitecture);
  });
  after(() => model.dispose());
  beforeEach(() => {
    asked = 0;
  });

  const options = (change: Partial<Options> = {}): Options => ({
    model,
    levels: widths.length,
    startOf: (block) =>
      widths.map((width) => ({
        weights: sliceFfn(
          teacher[block]!,
          Array.from({ length: width }, (_, unit) => unit),
        ),
        refit: true,
      })),
    images: { training, heldOut },
    // eslint-disable-next-line @typescript-eslint/require-await -- the images of a run come from files
    batchesOf: async function* (some, size) {
      for (let first = 0; first < some.length; first += size) {
        const ids = some.slice(first, first + size).map(({ id }) => id);
        asked += ids.length;
        yield { ids, pixels: pixelsOf(ids) };
      }
    },
    calibration: { seed: 3, tokensPerImage: 3 },
    weights: teacher.map(() => ({ prefixTokens: 1, prefix: 1.5, patch: 0.75 })),
    composedShare: 0.5,
    ridge: 1e-4,
    store: memoryStreams(),
    ...change,
  });
  const all = async (change: Partial<Options> = {}): Promise<FittedBlock[]> => {
    const found: FittedBlock[] = [];
    for await (const block of fitLevels(options(change))) found.push(block);
    return found;
  };
  /** ||student's last stream - teacher's||^2 over the training images. */
  const streamError = (ffns: readonly FfnWeights[]): number => {
    const uploaded = ffns.map(uploadFfn);
    const last = `block-0${depth - 1}.output` as const;
    const error = tf.tidy(() => {
      const pixels = pixelsOf(training.map(({ id }) => id));
      const own = forward(model, pixels, { capture: [last], ffn: (block) => uploaded[block]! }).features[
        last
      ];
      const ideal = forward(model, pixels, { capture: [last] }).features[last];
      return tf.sum(tf.squaredDifference(present(own), present(ideal))).dataSync()[0]!;
    });
    uploaded.forEach(disposeFfn);
    return error;
  };
  const levelOf = (blocks: readonly FittedBlock[], level: number): FfnWeights[] =>
    blocks.map(({ levels }) => levels[level]!.weights);

  it('repairs what earlier blocks left wrong: nearer to the teacher the more it looks at its own inputs', async () => {
    const tokensPerImage = null;
    const [teachers, own] = await Promise.all(
      [0.01, 1].map(async (composedShare) => {
        const blocks = await all({ composedShare, ridge: 1e-6, calibration: { seed: 3, tokensPerImage } });
        return streamError(levelOf(blocks, 1));
      }),
    );
    // In sample, so the fit to nothing but its own stream must be the best for it.
    assert.ok(present(own) < present(teachers), `${own} ${teachers}`);
  });

  it('says what error it expects, measures it on images held out, and counts the tokens behind it', async () => {
    const blocks = await all();
    assert.deepEqual(
      blocks.map(({ block }) => block),
      [0, 1],
    );
    for (const { levels, tokens } of blocks) {
      const weighted = (3 * 1) / (1.5 ** 2 + 2 * 0.75 ** 2);
      assert.equal(tokens, Math.round(60 * 3 * weighted));
      for (const { fitted, heldOut: measured } of levels) {
        assert.equal(measured.tokens, 30 * 3);
        const ratio = measured.relative / present(fitted).relativePredictedError;
        assert.ok(ratio > 0.7 && ratio < 2.5, `${ratio}`);
        assert.ok(measured.standardError > 0 && measured.standardError < measured.relative);
      }
      assert.ok(levels[0]!.heldOut.relative < levels[1]!.heldOut.relative);
    }
  });

  it('comes to the same weights from streams on disk, in memory, in part or not kept, to the bit', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'blockforge-fit-'));
    const reference = await all();
    assert.equal(asked, 90);
    // 25 images of 3 levels, 5 tokens of 8 values (2 bytes) and a scale: room for the held-out ones and 25 more.
    const perImage = 3 * 5 * (2 * 8 + 4);
    for (const [bytes, files] of [
      [1e9, 5],
      [80 * perImage, 3],
      [0, 0],
    ] as const) {
      asked = 0;
      const store = streamFiles(join(folder, String(bytes)), bytes);
      assert.deepEqual(await all({ store }), reference);
      const kept = files === 0 ? [] : await readdir(join(folder, String(bytes)));
      assert.equal(kept.length, files);
      assert.equal(asked, { 5: 90, 3: 90 + 35, 0: 180 }[files]);
    }
    await rm(folder, { recursive: true });
  });

  it('goes on where it was cut off, in the middle of a block, without images that are on disk', async () => {
    const reference = await all();
    const folder = await mkdtemp(join(tmpdir(), 'blockforge-fit-'));
    const store = streamFiles(folder, 1e9);
    for (const [share, blocks] of [
      [0.3, 0],
      [0.6, 1],
    ] as const) {
      const done: FfnWeights[][] = [];
      const stop = new AbortController();
      const cutOff = async (): Promise<void> => {
        const onProgress = (fraction: number): void => {
          if (fraction > share) stop.abort(new Error('cut off'));
        };
        for await (const { levels } of fitLevels(options({ store, signal: stop.signal, onProgress }))) {
          done.push(levels.map(({ weights }) => weights));
        }
      };
      await assert.rejects(cutOff(), /cut off/);
      assert.equal(done.length, blocks);
      asked = 0;
      assert.deepEqual(await all({ store, fitted: done }), reference.slice(blocks));
      assert.equal(asked, blocks === 0 ? 30 : 0);
      // Streams that are lost are made again through the blocks that are there.
      assert.deepEqual(await all({ fitted: done }), reference.slice(blocks));
    }
    // Under another key, streams are none.
    asked = 0;
    await all({ store, key: 'another' });
    assert.equal(asked, 90);
    await rm(folder, { recursive: true });
  });

  it('takes blocks that stay as they are, and fc1 as it is given, at any width of each block', async () => {
    const given = { ...sliceFfn(teacher[1]!, [3, 1, 2, 9]), fc1Bias: Float32Array.of(0.1, 0.2, 0.3, 0.4) };
    const blocks = await all({
      levels: 1,
      startOf: (block) => [{ weights: block === 0 ? teacher[0]! : given, refit: block === 1 }],
    });
    const found = blocks.map(({ levels }) => levels[0]!);
    const [first, second] = [found[0]!, found[1]!];
    assert.deepEqual(first.weights, teacher[0]);
    assert.equal(first.fitted, null);
    // Off by what float32 and 16 bits lose.
    assert.ok(first.heldOut.relative < 1e-6);
    assert.deepEqual([second.weights.fc1Kernel, second.weights.fc1Bias], [given.fc1Kernel, given.fc1Bias]);
    assert.notDeepEqual(second.weights.fc2Kernel, given.fc2Kernel);
  });

  it('tells how far it is, and never goes back', async () => {
    const fractions: number[] = [];
    const notes: string[] = [];
    await all({
      store: memoryStreams(0),
      onProgress(fraction, note) {
        fractions.push(fraction);
        notes.push(note);
      },
    });
    assert.ok(fractions.every((value, i) => value > (fractions[i - 1] ?? 0)));
    assert.equal(fractions.at(-1), 1);
    assert.deepEqual([notes[0], notes.at(-1)], ['block-00, image 25/90', 'block-01, image 90/90']);
  });
});
