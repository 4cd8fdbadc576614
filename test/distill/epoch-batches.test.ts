import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { epochBatches } from '../../pipeline/distill/epoch-batches.ts';
import { describeOnEachEngine } from '../support/engines.ts';

const items = (count: number) => Array.from({ length: count }, (_, item) => item);

/** The items of `steps` batches from a step on; `reads` notes how many were asked for at once. */
async function batchesOf(
  count: number,
  batchSize: number,
  { firstStep = 0, steps = 8, reads = [] as number[], seed = 1 } = {},
): Promise<number[][]> {
  async function* read(some: readonly number[], size: number) {
    reads.push(some.length);
    for (let from = 0; from < some.length; from += size) {
      const part = some.slice(from, from + size);
      yield await Promise.resolve({ pixels: tf.tensor4d(part, [part.length, 1, 1, 1]) });
    }
  }
  const found: number[][] = [];
  const batches = epochBatches({ items: items(count), batchSize, seed, firstStep, read });
  for await (const pixels of batches) {
    found.push(Array.from(pixels.dataSync()));
    pixels.dispose();
    if (found.length === steps) break;
  }
  return found;
}

describeOnEachEngine('the batches of a training', () => {
  it('are whole epochs in orders of their own, cut across their borders: no image is left out', async () => {
    const found = (await batchesOf(10, 4, { steps: 5 })).flat();
    const [first, second] = [found.slice(0, 10), found.slice(10)];
    for (const epoch of [first, second]) assert.deepEqual(epoch.toSorted((a, b) => a - b), items(10)); // prettier-ignore
    assert.notDeepEqual(first, second);
    assert.notDeepEqual(found, (await batchesOf(10, 4, { steps: 5, seed: 2 })).flat());
  });

  it('are the same from any step on', async () => {
    const all = await batchesOf(10, 3, { steps: 150 });
    assert.ok(all.every(({ length }) => length === 3));
    for (const firstStep of [1, 7, 64, 100]) {
      assert.deepEqual(
        await batchesOf(10, 3, { firstStep, steps: 20 }),
        all.slice(firstStep, firstStep + 20),
      );
    }
  });

  it('are all images where these are fewer than a batch, and none is an error', async () => {
    const found = await batchesOf(3, 32, { steps: 4 });
    for (const batch of found) assert.deepEqual(batch.toSorted(), [0, 1, 2]);
    await assert.rejects(batchesOf(0, 4), /no images to train on/);
  });

  it('are read in long stretches, so that decoding ahead does not run dry', async () => {
    const reads: number[] = [];
    await batchesOf(10, 2, { steps: 100, reads });
    assert.deepEqual(reads, [128, 128]);
    reads.length = 0;
    await batchesOf(1000, 2, { steps: 10, reads });
    assert.deepEqual(reads, [1000]);
  });

  it('that a reader cuts short are an error', async () => {
    async function* read() {
      yield await Promise.resolve({ pixels: tf.zeros<tf.Rank.R4>([2, 1, 1, 1]) });
    }
    const batches = epochBatches({ items: items(9), batchSize: 2, seed: 1, firstStep: 0, read });
    await assert.rejects(async () => {
      for await (const pixels of batches) pixels.dispose();
    }, /1 batches were read, expected 64/);
  });
});
