import assert from 'node:assert/strict';
import { canonicalShapes } from '../../../pipeline/model/host-weights.ts';
import { defaultTraining } from '../../../pipeline/submodels/training/schema.ts';
import { divideImages } from '../../../pipeline/submodels/training/held-out-images.ts';
import { trainSubmodel, type TeacherTargets } from '../../../pipeline/submodels/training/train-submodel.ts';
import type { BlockForgeError } from '../../../pipeline/util/failure.ts';
import { abortAfter } from '../../distill/rig.ts';
import { describeOnEachEngine } from '../../support/engines.ts';
import { strongWeights } from '../../support/checkpoints.ts';
import { memoryCheckpoint } from '../../support/memory-checkpoint.ts';
import { architecture, store, teacherOf, timeless, trainTask } from './rig.ts';

describeOnEachEngine('trainSubmodel', () => {
  it('learns its classes and the others from a teacher, and says what it gained over its start', async () => {
    const notes: string[] = [];
    const result = await trainSubmodel(
      trainTask({ onProgress: ({ note, metrics }) => notes.push(`${note} ${Object.keys(metrics).join()}`) }),
    );
    const { start, best, history, weights, images } = result;
    assert.equal(start.step, 0);
    assert.equal(history.length, 11, 'the start and ten looks');
    assert.ok(best.divergence < 0.2 * start.divergence, `${start.divergence} to ${best.divergence}`);
    assert.ok(best.ownAccuracy > 0.8 && best.accuracy > 0.7, JSON.stringify(best));
    assert.deepEqual(images, { perEpoch: 108, own: 72, heldOut: 12 });
    const shapes = Object.fromEntries(Object.entries(weights).map(([name, { shape }]) => [name, shape]));
    assert.deepEqual(shapes, canonicalShapes(architecture), 'the lift is left behind');
    assert.match(notes.at(-1) ?? '', /^step 60\/60 loss,imagesPerSecond,heldOutAccuracy$/);
  });

  it('stopped and resumed, with a running mean of the weights, it ends bit for bit where it would have', async () => {
    const settings = { ...defaultTraining, duration: { steps: 12 }, batchSize: 16, averaging: 0.9 };
    const whole = await trainSubmodel(trainTask({ settings }));
    assert.ok(whole.history.some(({ of }) => of === 'average'));
    const checkpoint = memoryCheckpoint();
    const parts = { settings, checkpoint };
    await assert.rejects(trainSubmodel(trainTask({ ...parts, signal: abortAfter(5) })), /Ctrl-C/);
    assert.equal(checkpoint.saved.at(-1)?.meta['step'], 5);
    assert.deepEqual(timeless(await trainSubmodel(trainTask(parts))), timeless(whole));
  });

  it('trains a model that was sliced as any other', async () => {
    const layers = [{ heads: 2, keySize: 3, valueSize: 5, hidden: 10 }];
    const sliced = { ...architecture, family: 'sliced-vit', width: 7, normWidth: 12, hidden: 10, layers };
    const settings = { ...defaultTraining, duration: { steps: 10 }, batchSize: 16, learningRate: 1e-2 };
    const task = trainTask({ architecture: sliced, weights: strongWeights(sliced), settings });
    const { start, best, weights } = await trainSubmodel(task);
    assert.ok(best.divergence < start.divergence, `${start.divergence} to ${best.divergence}`);
    assert.deepEqual(weights['blocks.0.attn.qkv.weight']?.shape, [22, 7]);
  });

  it('keeps its start where training does harm', async () => {
    const settings = { ...defaultTraining, duration: { steps: 3 }, batchSize: 16 };
    const task = trainTask({ settings: { ...settings, learningRate: 100 } });
    const { best, start, weights } = await trainSubmodel(task);
    assert.deepEqual(best, start);
    assert.deepEqual(weights, task.weights);
  });

  it('finds out how many steps fit into minutes, once', async () => {
    const settings = { ...defaultTraining, duration: { minutes: 0.005 }, batchSize: 16 };
    const checkpoint = memoryCheckpoint();
    await assert.rejects(trainSubmodel(trainTask({ settings, checkpoint, signal: abortAfter(0) })), /Ctrl-C/);
    const planned = checkpoint.saved.at(-1)?.meta['steps'];
    const { steps } = await trainSubmodel(trainTask({ settings, checkpoint }));
    assert.equal(steps, planned);
  });

  it('stops on numbers that are none, naming the step', async () => {
    const images = store(160);
    const targets = teacherOf(images.labels);
    const ends = async (changes: Partial<TeacherTargets>, found: RegExp) =>
      assert.rejects(
        trainSubmodel(trainTask({ images, targets: { ...targets, ...changes } })),
        (error: BlockForgeError) => {
          assert.equal(error.failure.reason, 'not-finite');
          assert.match(error.failure.found, found);
          return true;
        },
      );
    const none = (values: Float32Array) => values.map(() => NaN);
    await ends({ logits: none(targets.logits) }, /^the held-out divergence is NaN at step 0$/);
    // Of the images that are trained on alone.
    const { heldOut } = divideImages(images.labels, 0.1, 1);
    const logits = targets.logits.map((value, i) => (heldOut.includes(Math.floor(i / 4)) ? value : NaN));
    await ends({ logits }, /^the loss is NaN at step 1$/);
  });
});

describe('trainSubmodel refuses', () => {
  it('classes without an image, by name', async () => {
    const images = store(3);
    const task = trainTask({
      images,
      targets: teacherOf(images.labels),
      subset: { classes: [3, 0], other: true },
    });
    await assert.rejects(trainSubmodel(task), /no image of class 3 to learn from/);
  });

  it('losses that teach no answers, naming the setting', async () => {
    const weights = { ...defaultTraining.weights, logits: 0, features: 1 };
    const task = trainTask({ settings: { ...defaultTraining, weights } });
    await assert.rejects(trainSubmodel(task), /train\.weights, for two-00.*nothing teaches the answers/s);
  });

  it('images of another size', async () => {
    const task = trainTask({ architecture: { ...architecture, imageSize: 12 } });
    await assert.rejects(trainSubmodel(task), /images of 8 x 8 px with 1 channels/);
  });
});
