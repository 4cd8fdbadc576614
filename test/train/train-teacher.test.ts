import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import type { RawBatch } from '../../datasets/contract.ts';
import type { Architecture } from '../../pipeline/model/architecture.ts';
import { canonicalShapes } from '../../pipeline/model/host-weights.ts';
import { forward } from '../../pipeline/model/encoder.ts';
import { uploadTeacher } from '../../pipeline/model/upload.ts';
import { trainTeacher, type TrainTask } from '../../pipeline/train/train-teacher.ts';
import type { BlockForgeError } from '../../pipeline/util/failure.ts';
import { random } from '../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../support/engines.ts';
import { memoryCheckpoint } from '../support/memory-checkpoint.ts';

const architecture: Architecture = {
  imageSize: 8,
  patchSize: 4,
  channels: 1,
  width: 16,
  depth: 1,
  heads: 2,
  hidden: 32,
  classes: 2,
  layerNormEpsilon: 1e-6,
  gelu: 'exact',
};

/** Class 0 is bright at the top, class 1 at the bottom, under noise. */
function images(count: number, name: string): RawBatch {
  const stream = random(9, name);
  const labels = Int32Array.from({ length: count }, (_, i) => i % 2);
  const pixels = new Uint8Array(count * 64);
  for (let i = 0; i < pixels.length; i++) {
    const inTop = i % 64 < 32;
    const bright = inTop === (labels[Math.floor(i / 64)] === 0);
    pixels[i] = Math.max(0, Math.min(255, (bright ? 170 : 85) + 25 * stream.normal()));
  }
  return { ids: Array.from(labels, (_, i) => `${name}:${i}`), labels, pixels, count, size: 8, channels: 1 };
}

function task(changes: Partial<TrainTask> = {}, epochs = 5, trainImages = 128): TrainTask {
  return {
    architecture,
    train: images(trainImages, 'train'),
    heldOut: images(60, 'held-out'),
    mean: [0.5],
    std: [0.25],
    settings: {
      epochs,
      batchSize: 16,
      learningRate: 1e-2,
      weightDecay: 0.05,
      warmupEpochs: 1,
      labelSmoothing: 0.1,
      augment: { flip: true, cropPadding: 1 },
    },
    seed: 1,
    signal: new AbortController().signal,
    checkpoint: memoryCheckpoint(),
    ...changes,
  };
}

describeOnEachEngine('trainTeacher', () => {
  it('learns to tell two classes apart and returns the weights of its best epoch', async () => {
    const fractions: number[] = [];
    const heldOut = images(60, 'held-out');
    const { weights, history, bestEpoch, bestAccuracy } = await trainTeacher(
      task({ heldOut, onProgress: ({ fraction }) => fractions.push(fraction) }),
    );
    assert.ok(bestAccuracy > 0.9, `held-out accuracy ${bestAccuracy}`);
    assert.ok(history[4]!.loss < history[0]!.loss);
    assert.equal(bestAccuracy, Math.max(...history.map(({ heldOutAccuracy }) => heldOutAccuracy)));
    assert.equal(history[bestEpoch - 1]!.heldOutAccuracy, bestAccuracy);
    assert.deepEqual(fractions, [0.2, 0.4, 0.6, 0.8, 1]);

    const shapes = Object.fromEntries(Object.entries(weights).map(([name, { shape }]) => [name, shape]));
    assert.deepEqual(shapes, canonicalShapes(architecture));
    const model = uploadTeacher(weights, architecture);
    const right = tf.tidy(() => {
      const pixels = tf.tensor4d(
        Float32Array.from(heldOut.pixels, (x) => (x / 255 - 0.5) / 0.25),
        [60, 8, 8, 1],
      );
      const found = tf.argMax(forward(model, pixels).logits, 1).dataSync();
      return heldOut.labels.filter((label, i) => label === found[i]).length;
    });
    model.dispose();
    assert.equal(right / 60, bestAccuracy, 'the returned weights are the ones that were measured');
  });

  it('stopped in the third epoch and resumed, it ends bit for bit where it would have ended', async () => {
    const few = (changes: Partial<TrainTask>) => task(changes, 3, 40);
    const whole = await trainTeacher(few({}));
    const checkpoint = memoryCheckpoint();
    const stop = new AbortController();
    const onProgress = ({ note }: { note: string }) => {
      if (note === 'epoch 2/3') stop.abort(new Error('Ctrl-C'));
    };
    await assert.rejects(trainTeacher(few({ checkpoint, signal: stop.signal, onProgress })), /Ctrl-C/);
    assert.equal(checkpoint.saved.length, 2);
    const resumed = await trainTeacher(few({ checkpoint }));
    assert.deepEqual(resumed.weights, whole.weights);
    const { bestEpoch } = resumed;
    assert.equal(bestEpoch, whole.bestEpoch);
    const untimed = (history: typeof whole.history) => history.map((epoch) => ({ ...epoch, seconds: 0 }));
    assert.deepEqual(untimed(resumed.history), untimed(whole.history));
  });

  it('stops on a loss that is no number, naming epoch and step', async () => {
    await assert.rejects(trainTeacher(task({ mean: [NaN] })), (error: BlockForgeError) => {
      assert.equal(error.failure.reason, 'not-finite');
      assert.match(error.failure.found, /the loss is NaN in epoch 1, step 1$/);
      return true;
    });
  });

  it('refuses images that the architecture cannot take', async () => {
    const threeClasses = { ...images(6, 'more'), labels: Int32Array.of(0, 1, 2, 0, 1, 2) };
    await assert.rejects(
      trainTeacher(task({ train: threeClasses })),
      /train images: 6 images .* labels up to 2/,
    );
  });
});
