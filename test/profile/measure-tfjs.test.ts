import assert from 'node:assert/strict';
import * as tf from '@tensorflow/tfjs-core';
import { openLibrary } from '../../pipeline/library/open.ts';
import { measureTfjs } from '../../pipeline/profile/measure-tfjs.ts';
import { readProfile, saveProfile } from '../../pipeline/profile/profile-file.ts';
import { writtenLibrary } from '../library/fixture.ts';

describe('library/profile/measure-tfjs', () => {
  it("measures the same parts with the pipeline's engine, and gives all tensors back", async () => {
    const folder = await writtenLibrary();
    try {
      const library = await openLibrary(folder.path);
      const tensors = tf.memory().numTensors;
      const profile = await measureTfjs(library, {
        engine: 'wasm',
        batchSizes: [2, 1],
        warmup: 0,
        iterations: 2,
        name: 'here',
      });
      assert.equal(tf.memory().numTensors, tensors);
      const saved = await readProfile(await saveProfile(library, profile), library);
      assert.deepEqual(saved, profile);
      assert.equal(profile.runtime.name, 'tfjs');
      assert.match(profile.runtime.version, /^tfjs-backend-wasm /);
      assert.deepEqual(profile.batches.map(({ batchSize, composed }) => [batchSize, composed.length]), [[1, 9], [2, 9]]); // prettier-ignore
      const stop = new AbortController();
      const stopped = measureTfjs(library, {
        engine: 'wasm',
        batchSizes: [1],
        warmup: 0,
        iterations: 1000,
        signal: stop.signal,
        onProgress: () => stop.abort(new Error('enough')),
      });
      await assert.rejects(stopped, /enough/);
      assert.equal(tf.memory().numTensors, tensors);
    } finally {
      await folder.remove();
    }
  });
});
