import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { openBatches, tensorBatches } from '../../datasets/batches.ts';
import { normalise } from '../../datasets/normalise.ts';
import type { Source, SplitItem } from '../../datasets/contract.ts';
import { createPreparer } from '../../datasets/prepare.ts';
import type { Preparer } from '../../datasets/prepare.ts';
import { loadSplit, splitBatches } from '../../datasets/split-batches.ts';
import { sha256 } from '../../pipeline/util/hash.ts';
import { failure, memorySource, plain } from './fakes.ts';

const source: Source = memorySource(
  Array.from({ length: 10 }, (_, i) => ({ id: `i${i}`, label: i % 3, content: i })),
);
let items: SplitItem[] = [];
const preparer = createPreparer(source, plain);

async function collect<T>(batches: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const batch of batches) all.push(batch);
  return all;
}

describe('batches', () => {
  before(async () => {
    await tf.setBackend('cpu');
    items = await Promise.all(
      source.items.map(async (item) => ({
        id: item.id,
        label: item.label,
        sha256: sha256(await source.content(item)),
      })),
    );
  });

  it('cover a split in order, the last one smaller', async () => {
    const batches = await collect(splitBatches(items, preparer, { batchSize: 4 }));
    assert.deepEqual(
      batches.map(({ count }) => count),
      [4, 4, 2],
    );
    assert.deepEqual(
      batches.flatMap(({ ids }) => ids),
      items.map(({ id }) => id),
    );
    assert.deepEqual([...batches[2]!.labels], [2, 0]);
    assert.equal(batches[2]!.pixels.length, 2 * 16);
    assert.equal(batches[2]!.pixels[16], 9);
    const whole = await loadSplit(items, preparer);
    assert.deepEqual(whole.pixels, Uint8Array.from(batches.flatMap(({ pixels }) => [...pixels])));
  });

  it('are none where there are no items', async () => {
    assert.deepEqual(await collect(splitBatches([], preparer, { batchSize: 2 })), []);
  });

  it('are decoded ahead, but never more than two batches ahead', async () => {
    let asked = 0;
    const watched: Preparer = { ...preparer, pixels: (item) => (asked++, preparer.pixels(item)) };
    const batches = splitBatches(items, watched, { batchSize: 1 });
    await batches.next();
    await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(asked, 3);
    await batches.return();
  });

  it('name the image that cannot be read any more, when its batch is asked for', async () => {
    const changed = items.map((item, i) => (i === 5 ? { ...item, sha256: sha256('other') } : item));
    const batches = splitBatches(changed, preparer, { batchSize: 4 });
    const first = await batches.next();
    assert.ok(first.done !== true);
    assert.equal(first.value.count, 4);
    await assert.rejects(batches.next(), failure('data-invalid', 'i5', 'content changed'));
  });

  it('stop when aborted', async () => {
    const controller = new AbortController();
    const batches = splitBatches(items, preparer, { batchSize: 2, signal: controller.signal });
    await batches.next();
    controller.abort(new Error('stop'));
    await assert.rejects(collect(batches), /^Error: stop$/);
  });

  it('become normalised tensors that the caller disposes', async () => {
    const before = tf.memory().numTensors;
    let images = 0;
    for await (const { pixels, labels, ids } of openBatches(items, preparer).tensorBatches(items, 4)) {
      assert.deepEqual(pixels.shape, [labels.length, 4, 4, 1]);
      const first = (await pixels.data())[0]!;
      const index = Number(ids[0]!.slice(1));
      assert.ok(Math.abs(first - (index / 255 - 0.5) / 0.5) < 1e-6);
      assert.equal(tf.memory().numTensors, before + 1);
      images += ids.length;
      pixels.dispose();
    }
    assert.equal(images, 10);
    assert.equal(tf.memory().numTensors, before);
  });

  it('are a tf.data Dataset that can be read twice', async () => {
    const before = tf.memory().numTensors;
    const dataset = tensorBatches(items, preparer, { batchSize: 5 });
    for (let pass = 0; pass < 2; pass++) {
      const ids: string[] = [];
      await dataset.forEachAsync((batch) => {
        ids.push(...batch.ids);
        batch.pixels.dispose();
      });
      assert.equal(ids.length, 10);
    }
    assert.equal(tf.memory().numTensors, before);
  });

  it('normalise each channel by its own mean and std', () => {
    const out = normalise(Uint8Array.from([0, 51, 255, 255, 102, 0]), {
      channels: 3,
      mean: [0, 0.2, 1],
      std: [1, 0.1, 2],
    });
    assert.deepEqual([...out], [0, 0, 0, 1, Math.fround(2), -0.5]);
  });
});
