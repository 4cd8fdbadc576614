import assert from 'node:assert/strict';
import type { Preparer } from '../../../datasets/prepare.ts';
import type { Sha256 } from '../../../pipeline/util/hash.ts';
import { openImageStore } from '../../../pipeline/submodels/training/image-store.ts';
import { disposeBatch, trainingBatches } from '../../../pipeline/submodels/training/training-batches.ts';
import { trainingData } from '../../../pipeline/submodels/training/training-data.ts';
import { defaultTraining, type TrainingSettings } from '../../../pipeline/submodels/training/schema.ts';
import { describeOnEachEngine } from '../../support/engines.ts';
import { store, teacherOf, trainTask } from './rig.ts';

const plain: TrainingSettings = { ...defaultTraining, batchSize: 16, otherFactor: 1 };

/** Of the steps `first` to `last`: pixels, restricted logits and features of every image, in their order. */
async function batchesOf(settings: TrainingSettings, first: number, last: number) {
  const images = store(160);
  const targets = teacherOf(images.labels);
  // The mirrored image of class c shows another quarter; here its teacher says so by other numbers.
  const flippedTargets = { ...targets, logits: targets.logits.map((x) => x - 50) };
  const task = trainTask({ images, targets, flippedTargets, settings });
  const data = trainingData(task);
  const batches = trainingBatches(task, data, first);
  const rows: { readonly pixels: string; readonly logit: number; readonly features: readonly number[] }[] =
    [];
  for (let step = first; step <= last; step++) {
    const { value: batch } = await batches.next();
    const pixels = batch.pixels.dataSync();
    const logits = batch.targets.arraySync().map(([first]) => first ?? NaN);
    const features = batch.features?.arraySync() ?? [];
    logits.forEach((logit, row) => {
      const own = pixels.slice(row * 64, (row + 1) * 64).join();
      rows.push({ pixels: own, logit, features: features[row] ?? [] });
    });
    disposeBatch(batch);
  }
  await batches.return(undefined as never);
  return { rows, data, reads: images.reads };
}

describeOnEachEngine('trainingBatches', () => {
  it('begins at any step with what that step has seen before', async () => {
    const whole = await batchesOf(plain, 0, 8);
    const part = await batchesOf(plain, 5, 8);
    assert.deepEqual(part.rows, whole.rows.slice(5 * 16));
  });

  it('never reads an image that is held out', async () => {
    const { reads, data } = await batchesOf(plain, 0, 30);
    assert.ok(data.heldOut.every((place) => !reads.has(place)));
  });

  it('brings features to mean 0 and variance 1 over all of a pass', async () => {
    const { rows } = await batchesOf({ ...plain, batchSize: 108 }, 0, 0);
    const all = rows.flatMap(({ features }) => features);
    const mean = all.reduce((a, b) => a + b) / all.length;
    const square = all.reduce((sum, x) => sum + x * x, 0) / all.length;
    assert.ok(Math.abs(mean) < 1e-5 && Math.abs(square - 1) < 1e-5, `${mean}, ${square}`);
  });

  it("mirrors about half of the images, and takes the teacher's word on the mirrored ones", async () => {
    const { rows: straight } = await batchesOf(plain, 0, 5);
    const { rows } = await batchesOf({ ...plain, augment: { ...plain.augment, flip: true } }, 0, 5);
    const mirrored = rows.filter(({ pixels }, row) => {
      const image = (straight[row]?.pixels ?? '').split(',');
      const turned = image.map((_, i) => image[i - (i % 8) + 7 - (i % 8)]);
      const isMirrored = pixels === turned.join();
      assert.ok(isMirrored || pixels === image.join(), 'an image is as it was, or mirrored');
      assert.equal(isMirrored, rows[row]!.logit < -20);
      return isMirrored;
    });
    assert.ok(mirrored.length > rows.length / 4 && mirrored.length < (3 * rows.length) / 4);
  });
});

describe('openImageStore', () => {
  it('keeps what it has read up to its limit and reads the rest again', async () => {
    const asked: string[] = [];
    const preprocessing = store(1).preprocessing;
    const preparer = {
      preprocessing,
      pixels({ id }: { id: string }) {
        asked.push(id);
        return Promise.resolve(new Uint8Array(64).fill(Number(id)));
      },
    } as unknown as Preparer;
    const items = [3, 1, 2].map((id, label) => ({ id: String(id), label, sha256: 'x' as Sha256 }));
    const images = openImageStore(items, preparer, { memoryBytes: 2 * 64 });
    const first = await images.read([2, 0]);
    assert.deepEqual([first.pixels[0], first.pixels[64], [...first.labels]], [2, 3, [2, 0]]);
    first.pixels.fill(9);
    const again = await images.read([0, 1, 2, 1]);
    assert.deepEqual(
      [0, 64, 128, 192].map((at) => again.pixels[at]),
      [3, 1, 2, 1],
    );
    assert.deepEqual(asked, ['2', '3', '1', '1']);
  });
});
