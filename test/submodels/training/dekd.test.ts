import assert from 'node:assert/strict';
import { canonicalShapes } from '../../../pipeline/model/host-weights.ts';
import { dekdTeacherTraining, dekdTraining } from '../../../pipeline/submodels/training/dekd-training.ts';
import { divideImages } from '../../../pipeline/submodels/training/held-out-images.ts';
import { trainSubmodel } from '../../../pipeline/submodels/training/train-submodel.ts';
import { uploadWeights } from '../../../pipeline/model/upload.ts';
import { strongWeights } from '../../support/checkpoints.ts';
import { abortAfter } from '../../distill/rig.ts';
import { describeOnEachEngine } from '../../support/engines.ts';
import { memoryCheckpoint } from '../../support/memory-checkpoint.ts';
import { present } from '../../support/present.ts';
import { askedTask, dekd, student, targetsBy, teacher, tuned } from './dekd-rig.ts';
import { store, timeless } from './rig.ts';

describeOnEachEngine('a training by DEKD', () => {
  it('brings a sub-model of another family, width and depth nearer to its teacher, by relations and hard answers', async () => {
    const images = store(160);
    const settings = tuned({
      duration: { steps: 14 },
      learningRate: 2e-2,
      augment: { ...dekd.augment, mixup: 0, cutmix: 0 },
    });
    const task = askedTask({
      images,
      targets: await targetsBy(teacher, images),
      settings,
    });
    const { start, best, weights } = await trainSubmodel(task);
    assert.ok(best.divergence < 0.7 * start.divergence, `${start.divergence} to ${best.divergence}`);
    const shapes = Object.fromEntries(Object.entries(weights).map(([name, { shape }]) => [name, shape]));
    assert.deepEqual(shapes, canonicalShapes(student));
  });

  it('stopped and resumed, with mixed and erased images and the running mean, it ends bit for bit where it would have', async () => {
    const whole = await trainSubmodel(askedTask());
    const checkpoint = memoryCheckpoint();
    await assert.rejects(trainSubmodel(askedTask({ checkpoint, signal: abortAfter(3) })), /Ctrl-C/);
    assert.equal(checkpoint.saved.at(-1)?.meta['step'], 3);
    assert.deepEqual(timeless(await trainSubmodel(askedTask({ checkpoint }))), timeless(whole));
  });

  it('a CCT learns from a ViT by the relations of patches alone: it has no class token', async () => {
    const architecture = { ...student, family: 'cct', tokenizer: { layers: 1, kernel: 3, channels: 4 } };
    const settings = tuned({ duration: { steps: 2 } });
    const { history } = await trainSubmodel(
      askedTask({ architecture, weights: strongWeights(architecture), settings }),
    );
    assert.ok(history.every(({ divergence }) => Number.isFinite(divergence)));
    assert.ok(history.slice(1).every(({ trainingLoss }) => trainingLoss === null || trainingLoss > 0.1));
  });

  it('never keeps a running mean without using it: where it is asked for, it is what is looked at and exported', async () => {
    const checkpoint = memoryCheckpoint();
    const settings = tuned({ averaging: { decay: 0.5, export: 'average' }, learningRate: 2e-2 });
    const task = askedTask({ settings, checkpoint, checkpointSeconds: 0 });
    const { best, history, weights, start } = await trainSubmodel(task);
    assert.equal(history.filter(({ of }) => of === 'average').length, 6);
    const looks = history.filter(({ of, step }) => of === 'average' || step === 0);
    const lowest = Math.min(...looks.map(({ divergence }) => divergence));
    assert.equal(best.divergence, lowest);
    assert.notEqual(best.step, start.step, 'the training has found something');
    assert.equal(best.of, 'average');
    // The checkpoint after that step holds the mean on the engine's axes, and the weights themselves, which are others.
    const saved = present(checkpoint.saved.find(({ meta }) => meta['step'] === best.step));
    const exported = uploadWeights(weights, student);
    const values = exported['head.bias']!.dataSync<'float32'>();
    Object.values(exported).forEach((tensor) => tensor.dispose());
    assert.deepEqual(values, saved.tensors['average/head.bias']);
    assert.notDeepEqual(values, saved.tensors['now/head.bias']);
  });

  it('chooses the best weights by held-out training images: what is learnt from is never looked at, nor the reverse', async () => {
    const images = store(160);
    const { heldOut } = divideImages(images.labels, dekd.heldOut, 1);
    const seen: number[][] = [];
    const watched = {
      ...images,
      read: (places: ArrayLike<number>) => (seen.push(Array.from(places)), images.read(places)),
    };
    await trainSubmodel(askedTask({ images: watched, settings: tuned({ duration: { steps: 3 } }) }));
    const kinds = seen.map((places) => new Set(places.map((place) => heldOut.includes(place))));
    assert.ok(
      kinds.every(({ size }) => size === 1),
      'no batch has images of both kinds',
    );
    assert.ok(kinds.some((kind) => kind.has(true)) && kinds.some((kind) => kind.has(false)));
  });
});

describe('the published values of DEKD', () => {
  it('are the effective ones, not those of the code', () => {
    const { learningRate, weightDecay, clip, warmup, floor, averaging, weights } = dekdTraining;
    assert.deepEqual(
      { learningRate, weightDecay, clip, warmup, floor, averaging },
      {
        learningRate: 8e-5 * (2048 / 512),
        weightDecay: 0,
        clip: 1,
        warmup: { epochs: 5, from: 1e-6 },
        floor: 1e-5,
        averaging: { decay: 0.99996, export: 'average' },
      },
    );
    // Weights of a sum over 198 tokens that is divided by 12 layers.
    for (const [name, weight] of [
      ['q', 0.2],
      ['k', 0.1],
      ['v', 0.3],
    ] as const) {
      assert.ok(Math.abs(weights.relations[name] - (weight * 198) / 12) < 1e-9);
    }
    assert.deepEqual([weights.labels, weights.hard, weights.logits, weights.features], [0.5, 0.5, 0, 0]);
    assert.deepEqual(
      [dekdTeacherTraining.learningRate, dekdTeacherTraining.clip],
      [1e-4 * (2048 / 512), null],
    );
  });
});
