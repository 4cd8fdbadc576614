import assert from 'node:assert/strict';
import { canonicalShapes } from '../../../pipeline/model/host-weights.ts';
import {
  fineTuneTeacher,
  type TeacherTuningTask,
} from '../../../pipeline/submodels/training/fine-tune-teacher.ts';
import { submodelScores } from '../../../pipeline/submodels/training/submodel-scores.ts';
import { divideImages } from '../../../pipeline/submodels/training/held-out-images.ts';
import { noAugment } from '../../../pipeline/augment/schema.ts';
import { trainingSchema } from '../../../pipeline/submodels/training/schema.ts';
import type { BlockForgeError } from '../../../pipeline/util/failure.ts';
import { abortAfter } from '../../distill/rig.ts';
import { describeOnEachEngine } from '../../support/engines.ts';
import { strongWeights } from '../../support/checkpoints.ts';
import { memoryCheckpoint } from '../../support/memory-checkpoint.ts';
import { targetsBy, teacher } from './dekd-rig.ts';
import { store, timeless } from './rig.ts';

const settings = trainingSchema.parse({
  duration: { steps: 6 },
  batchSize: 16,
  learningRate: 2e-2,
  weightDecay: 0,
  clip: null,
  otherFactor: 1,
  weights: { logits: 0, features: 0, labels: 1 },
  augment: { flip: false, cropPadding: 1, mixup: 0.2, smoothing: 0.1 },
});

function tuningTask(changes: Partial<TeacherTuningTask> = {}): TeacherTuningTask {
  return {
    name: 'two-00',
    architecture: teacher.architecture,
    weights: strongWeights(teacher.architecture),
    subset: { classes: [2, 0], other: true },
    images: store(160),
    settings,
    seed: 1,
    signal: new AbortController().signal,
    checkpoint: memoryCheckpoint(),
    ...changes,
  };
}

describeOnEachEngine('a sub-task teacher', () => {
  it('is the whole teacher, tuned on its classes by labels: all its outputs stay, and it knows them better than before', async () => {
    const task = tuningTask({ settings: { ...settings, duration: { steps: 25 }, augment: noAugment } });
    const { weights, start, best } = await fineTuneTeacher(task);
    const shapes = Object.fromEntries(Object.entries(weights).map(([name, { shape }]) => [name, shape]));
    assert.deepEqual(shapes, canonicalShapes(teacher.architecture));
    assert.ok(best.divergence < 0.5 * start.divergence, `${start.divergence} to ${best.divergence}`);
    assert.ok(best.ownAccuracy > start.ownAccuracy, `${start.ownAccuracy} to ${best.ownAccuracy}`);
    // What it says of itself is what anybody finds who restricts its answers.
    const { logits } = await targetsBy({ architecture: teacher.architecture, weights }, task.images);
    const { heldOut } = divideImages(task.images.labels, settings.heldOut, task.seed);
    const own = Array.from(heldOut).filter((place) => [2, 0].includes(task.images.labels[place]!));
    const rows = own.map((place) => logits.subarray(4 * place, 4 * place + 4));
    const all = Float32Array.from(rows.flatMap((row) => [...row]));
    const { ownAccuracy } = submodelScores(
      all,
      all,
      own.map((place) => task.images.labels[place]!),
      { classes: [0, 1, 2, 3], other: false },
    );
    assert.ok(
      ownAccuracy <= best.ownAccuracy + 1e-9,
      `${ownAccuracy} among four, ${best.ownAccuracy} among two`,
    );
  });

  it('stopped and resumed, it ends bit for bit where it would have', async () => {
    const whole = await fineTuneTeacher(tuningTask());
    const checkpoint = memoryCheckpoint();
    const parts = { checkpoint };
    await assert.rejects(fineTuneTeacher(tuningTask({ ...parts, signal: abortAfter(3) })), /Ctrl-C/);
    assert.deepEqual(timeless(await fineTuneTeacher(tuningTask(parts))), timeless(whole));
  });

  it('stops on numbers that are none, naming the setting that it is tuned by', async () => {
    const endless = { ...settings, learningRate: 1e30 };
    await assert.rejects(fineTuneTeacher(tuningTask({ settings: endless })), (error: BlockForgeError) => {
      assert.equal(error.failure.reason, 'not-finite');
      assert.equal(error.failure.subject, 'training of the teacher of two-00');
      assert.match(error.failure.next ?? '', /^lower teach\.learningRate/);
      return true;
    });
  });

  it('stays as it was where training does harm', async () => {
    const harmful = { ...settings, duration: { steps: 3 }, learningRate: 100 };
    const task = tuningTask({ settings: harmful });
    const { best, start, weights } = await fineTuneTeacher(task);
    assert.deepEqual(best, start);
    assert.deepEqual(weights, task.weights);
  });
});

describe('fineTuneTeacher', () => {
  it('asks nobody: settings that would are a bug', async () => {
    const weights = { ...settings.weights, hard: 1 };
    await assert.rejects(
      async () => fineTuneTeacher(tuningTask({ settings: { ...settings, weights } })),
      /by labels alone, found hard/,
    );
  });
});
