import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { grouped } from '../../../pipeline/slicing/policy/grouped.ts';
import { describeOnEachEngine } from '../../support/engines.ts';

/** Images of one number each, 0, 1, 2, ..., in batches of these sizes. */
async function* counted(sizes: readonly number[]): AsyncGenerator<tf.Tensor4D> {
  let first = 0;
  for (const size of sizes) {
    yield tf.tensor4d(
      Array.from({ length: size }, (_, index) => first + index),
      [size, 1, 1, 1],
    );
    first += size;
    await Promise.resolve();
  }
}

async function groupsOf(sizes: readonly number[], size: number): Promise<number[][]> {
  const found: number[][] = [];
  for await (const pixels of grouped(counted(sizes), size)) {
    found.push([...pixels.dataSync()]);
    pixels.dispose();
  }
  return found;
}

describeOnEachEngine('slicing/policy/grouped', () => {
  it('are the same images whatever batches they come in, without what is left at the end', async () => {
    for (const sizes of [[3, 3, 3], [9], [1, 7, 1], [2, 2, 2, 2, 1]]) {
      assert.deepEqual(await groupsOf(sizes, 4), [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
      ]);
    }
  });

  it('are one smaller group where there are fewer images', async () => {
    assert.deepEqual(await groupsOf([1, 1], 4), [[0, 1]]);
    assert.deepEqual(await groupsOf([], 4), []);
  });

  it('leave nothing behind where nobody asks for the rest', async () => {
    for await (const pixels of grouped(counted([3, 3]), 2)) {
      pixels.dispose();
      break;
    }
  });
});
