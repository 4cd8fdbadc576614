import assert from 'node:assert/strict';
import { canonicalShapes } from '../../../pipeline/model/host-weights.ts';
import { uploadTeacher } from '../../../pipeline/model/upload.ts';
import { noAugment } from '../../../pipeline/augment/schema.ts';
import { fuseAll } from '../../../pipeline/submodels/fusion/fuse-all.ts';
import { top1Of } from '../../../pipeline/submodels/fusion/score.ts';
import { teacherHeadOf } from '../../../pipeline/submodels/fusion/teacher-head.ts';
import { dekdEnsemble } from '../../../pipeline/submodels/ensemble/schema.ts';
import { trainEnsemble, type TrainedEnsemble } from '../../../pipeline/submodels/ensemble/train-ensemble.ts';
import { divideImages } from '../../../pipeline/submodels/training/held-out-images.ts';
import { predictFeatures, type Predicted } from '../../../pipeline/submodels/training/predict-features.ts';
import { pixelTensor } from '../../../pipeline/submodels/training/training-batches.ts';
import type { BlockForgeError } from '../../../pipeline/util/failure.ts';
import { abortAfter } from '../../distill/rig.ts';
import { strongWeights } from '../../support/checkpoints.ts';
import { describeOnEachEngine } from '../../support/engines.ts';
import { memoryCheckpoint } from '../../support/memory-checkpoint.ts';
import { architecture, store } from '../training/rig.ts';
import { distilled, ensembleTask, members, timeless } from './rig.ts';

const images = store(160);
const { settings } = ensembleTask({ images });

/** Top-1 of the images that were held out, by the weights and the head that a training gave. */
async function heldOutTop1({ weights, head }: TrainedEnsemble, absent?: number): Promise<number> {
  const { heldOut } = divideImages(images.labels, 0.2, 1);
  const batch = await images.read(heldOut);
  const features = [];
  for (const [place, { architecture }] of members.entries()) {
    const model = uploadTeacher(weights[place]!, architecture);
    const pixels = pixelTensor(batch, images);
    async function* once() {
      yield await Promise.resolve(pixels);
    }
    for await (const found of predictFeatures(model, once())) features.push(found.features);
    model.dispose();
  }
  const seen = features.map((own, place) => (place === absent ? undefined : own));
  return top1Of(fuseAll(head, seen, heldOut.length), batch.labels, 4);
}

describeOnEachEngine('trainEnsemble', () => {
  it('trains sub-models of different widths and families with their head, and gives all of them as its best look saw them', async () => {
    const notes: string[] = [];
    const result = await trainEnsemble(
      ensembleTask({
        images,
        onProgress: ({ note, metrics }) => notes.push(`${note} ${Object.keys(metrics).join()}`),
      }),
    );
    const { start, best, history, weights, head } = result;
    assert.deepEqual([start.step, history.length, result.steps], [0, 11, 40]);
    assert.ok(
      best.top1 > start.top1 + 0.1 && best.crossEntropy < 0.7 * start.crossEntropy,
      JSON.stringify([start, best]),
    );
    assert.ok(best.missed < start.missed, JSON.stringify([start, best]));
    assert.deepEqual(result.images, { training: 128, heldOut: 32 });
    for (const [place, { architecture }] of members.entries()) {
      const shapes = Object.entries(weights[place]!).map(([name, { shape }]) => [name, shape]);
      assert.deepEqual(Object.fromEntries(shapes), canonicalShapes(architecture));
    }
    assert.deepEqual([head.kind, head.submodels, head.widths], ['tokens', ['two-00', 'two-01'], [8, 12]]);
    assert.equal(await heldOutTop1(result), best.top1, 'standardised anew, the head is the same function');
    // Above chance without either: what is absent is imputed from the features as they are now.
    assert.ok((await heldOutTop1(result, 0)) > 0.3 && (await heldOutTop1(result, 1)) > 0.3);
    assert.match(notes.at(-1) ?? '', /^step 40\/40 loss,imagesPerSecond,heldOutTop1$/);
  });

  it('stopped and resumed, with a running mean of all weights, it ends bit for bit where it would have', async () => {
    const short = { ...settings, duration: { steps: 6 }, averaging: 0.9 };
    const whole = await trainEnsemble(ensembleTask({ images, settings: short }));
    const checkpoint = memoryCheckpoint();
    const parts = { images, settings: short, checkpoint };
    await assert.rejects(trainEnsemble(ensembleTask({ ...parts, signal: abortAfter(4) })), /Ctrl-C/);
    assert.equal(checkpoint.saved.at(-1)?.meta['step'], 4);
    assert.deepEqual(timeless(await trainEnsemble(ensembleTask(parts))), timeless(whole));
    const others = [...members].reverse();
    await assert.rejects(
      trainEnsemble(ensembleTask({ ...parts, submodels: others })),
      /checkpoint: .* values, expected/,
    );
  });

  it('never keeps a running mean in vain: it is looked at, and what is exported where that is asked for', async () => {
    const averaging = { decay: 0.8, export: 'average' } as const;
    const { history, best } = await trainEnsemble(
      ensembleTask({ images, settings: { ...settings, duration: { steps: 10 }, averaging } }),
    );
    assert.equal(history.filter(({ of }) => of === 'average').length, 10);
    assert.equal(best.of, 'average');
    assert.equal(dekdEnsemble.averaging !== null, true);
  });

  it('keeps its start where training does harm', async () => {
    const task = ensembleTask({
      images,
      settings: { ...settings, duration: { steps: 3 }, learningRate: 30 },
    });
    const { best, start, weights } = await trainEnsemble(task);
    assert.deepEqual(best, start);
    assert.deepEqual(weights, members.map((one) => one.weights)); // prettier-ignore
  });

  it('asks a teacher beside it about mixed images, and refuses to mix without one', async () => {
    const facts = { ...architecture, classes: 4 };
    const teacher = { architecture: facts, weights: strongWeights(facts, 8) };
    const pixels = pixelTensor(await images.read(images.labels.map((_, place) => place)), images);
    const model = uploadTeacher(teacher.weights, facts);
    async function* once() {
      yield await Promise.resolve(pixels);
    }
    const asked: Predicted[] = [];
    for await (const found of predictFeatures(model, once())) asked.push(found);
    model.dispose();
    const { logits, features } = asked[0]!;
    const targets = { classes: 4, width: 8, logits, features };
    const augment = { ...noAugment, flip: true, mixup: 0.8, cutmix: 1, smoothing: 0.1, erase: { probability: 0.5 } }; // prettier-ignore
    const mixed = { ...settings, augment, duration: { steps: 2 } };
    const task = {
      images,
      targets,
      teacherHead: teacherHeadOf(facts, teacher.weights),
      settings: mixed,
    };
    const { history } = await trainEnsemble(ensembleTask({ ...task, teacher }));
    assert.ok(history.every(({ crossEntropy }) => Number.isFinite(crossEntropy)));
    assert.ok((history.at(-1)?.trainingLoss ?? 0) > 0);
    await assert.rejects(trainEnsemble(ensembleTask(task)), /ensemble two: no teacher beside it to ask/);
  });

  it('finds out how many steps fit into minutes, once', async () => {
    const checkpoint = memoryCheckpoint();
    const timed = { ...settings, duration: { minutes: 0.01 } };
    const task = { images, settings: timed, checkpoint };
    await assert.rejects(trainEnsemble(ensembleTask({ ...task, signal: abortAfter(0) })), /Ctrl-C/);
    const planned = checkpoint.saved.at(-1)?.meta['steps'];
    assert.equal((await trainEnsemble(ensembleTask(task))).steps, planned);
  });

  it('stops on numbers that are none, naming the step', async () => {
    const burst = { ...settings, duration: { steps: 10 }, warmupShare: 0, learningRate: 1e38 };
    await assert.rejects(
      trainEnsemble(ensembleTask({ images, settings: burst })),
      (error: BlockForgeError) => {
        assert.equal(error.failure.reason, 'not-finite');
        assert.match(error.message, /^training of the ensemble two: the (loss|.*entropy) is .* at step/);
        return true;
      },
    );
    const { targets } = ensembleTask({ images });
    const logits = targets.logits.slice().fill(NaN, 7, 8);
    await assert.rejects(
      trainEnsemble(ensembleTask({ images, targets: { ...targets, logits } })),
      /the ensemble two: the teacher said NaN of image 1/,
    );
  });
});

describe('trainEnsemble refuses', () => {
  it('sub-models that take other images', async () => {
    const large = { ...distilled, imageSize: 12 };
    const submodels = [members[0]!, { ...members[1]!, architecture: large, weights: strongWeights(large) }];
    await assert.rejects(
      trainEnsemble(ensembleTask({ images, submodels })),
      /the ensemble two: two-01 takes images of 12 px/,
    );
  });
});
