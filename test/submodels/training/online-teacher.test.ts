import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import type { Architecture } from '../../../pipeline/model/architecture.ts';
import { backboneOf } from '../../../pipeline/model/backbones.ts';
import { forward } from '../../../pipeline/model/encoder.ts';
import { uploadTeacher } from '../../../pipeline/model/upload.ts';
import { askingOf } from '../../../pipeline/submodels/training/asking.ts';
import { needsTeacher } from '../../../pipeline/submodels/training/needs-teacher.ts';
import { openTeacher } from '../../../pipeline/submodels/training/online-teacher.ts';
import { logRelations } from '../../../pipeline/submodels/training/relation-loss.ts';
import { relationPlaces } from '../../../pipeline/submodels/training/relation-places.ts';
import { restrictLogits } from '../../../pipeline/submodels/training/subset-outputs.ts';
import {
  disposeBatch,
  pixelTensor,
  trainingBatches,
} from '../../../pipeline/submodels/training/training-batches.ts';
import { trainingData } from '../../../pipeline/submodels/training/training-data.ts';
import { trainSubmodel } from '../../../pipeline/submodels/training/train-submodel.ts';
import { toyArchitecture } from '../../model/toy-backbone.ts';
import { describeOnEachEngine } from '../../support/engines.ts';
import { present } from '../../support/present.ts';
import { askedTask, dekd, teacher, tuned } from './dekd-rig.ts';
import { architecture, store } from './rig.ts';

const near = (found: ArrayLike<number>, expected: ArrayLike<number>, within: number): void => {
  assert.equal(found.length, expected.length);
  Array.from(found).forEach((value, i) =>
    assert.ok(
      Math.abs(value - expected[i]!) < within * (1 + Math.abs(expected[i]!)),
      `${i}: ${value}, ${expected[i]}`,
    ),
  );
};

describeOnEachEngine('a teacher that is asked while a sub-model learns', () => {
  it('is asked about the very pixels that the sub-model sees: mixed, erased, moved', async () => {
    const task = askedTask({ settings: tuned({ batchSize: 8 }) });
    const asked = present(openTeacher(task));
    const model = uploadTeacher(teacher.weights, teacher.architecture);
    const batches = trainingBatches(task, trainingData(task), 2, asked);
    const { value: batch } = await batches.next();
    tf.tidy(() => {
      const { logits, features } = forward(model, batch.pixels, {
        capture: ['pooled', 'block-00.output'],
      });
      const expected = restrictLogits(logits.dataSync<'float32'>(), 4, task.subset);
      near(batch.targets.dataSync(), expected, 1e-4);
      const inputs = present(backboneOf(teacher.architecture).relationInputs)(
        model,
        1,
        features['block-00.output'],
      );
      inputs.forEach((x, i) => near(batch.relations[i]!.dataSync(), logRelations(x, 4).dataSync(), 1e-4));
    });
    const labels = batch.labels.arraySync();
    for (const row of labels) assert.ok(Math.abs(row.reduce((a, b) => a + b) - 1) < 1e-5);
    assert.ok(
      labels.some((row) => row.filter((share) => share > 0.05).length > 1),
      'labels are mixed',
    );
    await batches.return(undefined as never);
    disposeBatch(batch);
    asked.dispose();
    model.dispose();
  });

  it('is asked of a micro-batch at a time, and says the same', async () => {
    const images = store(7);
    const pixels = pixelTensor(
      await images.read(Uint32Array.from({ length: 7 }, (_, place) => place)),
      images,
    );
    const answer = (microBatch: number | null) => {
      const asked = present(openTeacher(askedTask({ settings: tuned({ microBatch }) })));
      const before = tf.memory().numTensors;
      const { logits, features, relations } = asked.ask(pixels);
      const all = [logits, features, ...relations];
      assert.equal(tf.memory().numTensors, before + all.length);
      const found = all.map((tensor) => ({ shape: tensor.shape, data: tensor.dataSync<'float32'>() }));
      tf.dispose(all);
      asked.dispose();
      return found;
    };
    const whole = answer(null);
    assert.ok(whole.length > 2, 'relations too');
    for (const [index, { shape, data }] of answer(3).entries()) {
      assert.deepEqual(shape, whole[index]!.shape);
      near(data, whole[index]!.data, 1e-4);
    }
    pixels.dispose();
  });

  it('never takes its likeliest output of the plain image where images are mixed', async () => {
    const settings = tuned({ batchSize: 32 });
    const task = askedTask({ settings });
    const asked = present(openTeacher(task));
    const data = trainingData(task);
    const first = async (teacher: typeof asked | undefined) => {
      const batches = trainingBatches(task, data, 0, teacher);
      const { value: batch } = await batches.next();
      const likeliest = tf.tidy(() => Array.from(tf.argMax(batch.targets, 1).dataSync()));
      await batches.return(undefined as never);
      disposeBatch(batch);
      return likeliest;
    };
    const [mixed, plain] = [await first(asked), await first(undefined)];
    assert.notDeepEqual(mixed, plain);
    asked.dispose();
  });
});

describe('relationPlaces', () => {
  const vit = (changes: Partial<Architecture>): Architecture => ({ ...architecture, ...changes });

  it('is the middle layer of each, counted as published: the sixth of 12, the twelfth of 24', () => {
    const places = relationPlaces('x', vit({ depth: 24 }), vit({ depth: 12, width: 6 }));
    assert.deepEqual([places.teacher.block, places.own.block], [11, 5]);
    assert.deepEqual(places.own.sizes, { q: 3, k: 3, v: 3 });
    const { own } = relationPlaces('x', vit({ depth: 7 }), vit({ depth: 1 }));
    assert.equal(own.block, 0);
  });

  it('compares the tokens that both have: of a distilled teacher and a plain sub-model the class token and the patches', () => {
    const distilled = vit({ family: 'deit' });
    assert.equal(relationPlaces('x', distilled, vit({})).teacher.shared, 1);
    assert.equal(relationPlaces('x', distilled, distilled).teacher.shared, 2);
    const convolutional = vit({ family: 'cct', tokenizer: { layers: 1, kernel: 3, channels: 4 } });
    assert.equal(relationPlaces('x', distilled, convolutional).own.shared, 0, 'patches alone');
  });

  it('refuses another number of patches and a family without attention, naming the setting', () => {
    const refused = (teacher: Architecture, own: Architecture, found: RegExp) =>
      assert.throws(() => relationPlaces('two-00', teacher, own), found);
    refused(
      vit({ patchSize: 2 }),
      vit({}),
      /train\.weights\.relations, for two-00: 4 patches per image in the sub-model and 16 in its teacher/,
    );
    refused(vit({ patchSize: 2, channels: 3 }), toyArchitecture, /a toy mixer, whose blocks have no queries/);
  });
});

describe('needsTeacher', () => {
  it('says whether what was said of the plain images is not enough', () => {
    assert.equal(needsTeacher(dekd), true);
    const plain = { ...dekd, weights: { ...dekd.weights, relations: { q: 0, k: 0, v: 0 } } };
    assert.equal(needsTeacher(plain), true, 'mixed images, and a weight of hard answers');
    assert.equal(needsTeacher({ ...plain, weights: { ...plain.weights, hard: 0 } }), false, 'labels alone');
    const { augment } = dekd;
    const moved = {
      ...augment,
      mixup: 0,
      cutmix: 0,
      erase: { probability: 0 },
      randAugment: null,
      colourJitter: 0,
    };
    assert.equal(needsTeacher({ ...plain, augment: moved }), false, 'mirrored and moved');
  });

  it('and a training without the teacher it needs is refused before it begins', async () => {
    const task = askedTask({ teacher: undefined, images: store(40) });
    await assert.rejects(trainSubmodel(task), /no teacher beside it to ask/);
  });

  it('relations are taken where the settings give them weight, and nowhere else', () => {
    assert.equal(
      askingOf(
        askedTask({ settings: tuned({ weights: { ...dekd.weights, relations: { q: 0, k: 0, v: 0 } } }) }),
      ).place,
      undefined,
    );
    assert.equal(askingOf(askedTask({})).place?.block, 0);
  });
});
