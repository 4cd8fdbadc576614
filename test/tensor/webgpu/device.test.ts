import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { loadEngine } from '../../../pipeline/tensor/engine.ts';
import { boundPool } from '../../../pipeline/tensor/webgpu/pool.ts';
import { stageUploads } from '../../../pipeline/tensor/webgpu/staging.ts';
import type { Backend } from '../../../pipeline/tensor/webgpu/types.ts';
import { random } from '../../../pipeline/util/random.ts';
import { enginesToTest } from '../../support/engines.ts';

/**
 * What this project adds to the webgpu backend, on a device: a GPU, or a software driver, for which all here compiles
 * within seconds. `swiftshader.process.test.ts` runs it where there is such a driver.
 */
describe('webgpu on the device', function () {
  this.timeout(120_000);
  let forwards: boolean;
  before(async function () {
    if (!enginesToTest().includes('webgpu')) this.skip();
    await loadEngine('webgpu');
    // Otherwise small operations are done on the host.
    forwards = tf.env().getBool('WEBGPU_CPU_FORWARD');
    tf.env().set('WEBGPU_CPU_FORWARD', false);
  });
  after(() => {
    if (tf.getBackend() === 'webgpu') tf.env().set('WEBGPU_CPU_FORWARD', forwards);
  });

  const normal = (seed: number, size: number): Float32Array => {
    const draw = random(seed, 'webgpu-device');
    return Float32Array.from({ length: size }, () => draw.normal());
  };
  const near = (found: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-5): void => {
    assert.equal(found.length, expected.length);
    for (let i = 0; i < found.length; i++) {
      const bound = tolerance * Math.max(1, Math.abs(expected[i]!));
      assert.ok(Math.abs(found[i]! - expected[i]!) <= bound, `${found[i]} for ${expected[i]} at ${i}`);
    }
  };
  /** a [rows, inner] b [inner, columns] in float64. */
  const multiply = (a: Float32Array, b: Float32Array, rows: number, inner: number, columns: number) =>
    Float64Array.from({ length: rows * columns }, (_, at) => {
      let sum = 0;
      for (let k = 0; k < inner; k++)
        sum += a[Math.floor(at / columns) * inner + k]! * b[k * columns + (at % columns)]!;
      return sum;
    });

  it('computes element by element, row by row and over all as float64 does', () => {
    const values = normal(1, 40);
    tf.tidy(() => {
      const x = tf.tensor2d(values, [5, 8]);
      near(
        tf.mul(tf.add(x, 1), x).dataSync(),
        [...values].map((value) => (value + 1) * value),
      );
      near(tf.exp(x).dataSync(), [...values].map(Math.exp));
      const shares = [...tf.softmax(x).dataSync()];
      for (let row = 0; row < 5; row++) {
        const powers = [...values.subarray(8 * row, 8 * row + 8)].map(Math.exp);
        const total = powers.reduce((sum, power) => sum + power, 0);
        near(
          shares.slice(8 * row, 8 * row + 8),
          powers.map((power) => power / total),
        );
      }
      near(
        tf.sum(x, 0).dataSync(),
        [0, 1, 2, 3, 4, 5, 6, 7].map((j) => [0, 1, 2, 3, 4].reduce((sum, i) => sum + values[8 * i + j]!, 0)),
      );
    });
  });

  it('adds very many numbers up in two rounds', () => {
    const values = normal(2, 65536).map((value) => value + 1);
    const expected = values.reduce((sum, value) => sum + value, 0);
    tf.tidy(() => near(tf.sum(tf.tensor1d(values)).dataSync(), [expected], 1e-6));
  });

  it('multiplies matrices by its own shader, plain and with a long sum shared out', () => {
    const [a, b] = [normal(3, 40 * 50), normal(4, 50 * 30)];
    tf.tidy(() => {
      const found = tf.matMul(tf.tensor2d(a, [40, 50]), tf.tensor2d(b, [50, 30])).dataSync();
      near(found, multiply(a, b, 40, 50, 30));
      const [c, d] = [normal(5, 2048), normal(6, 2048 * 3)];
      const long = tf.matMul(tf.tensor2d(c, [1, 2048]), tf.tensor2d(d, [2048, 3])).dataSync();
      near(long, multiply(c, d, 1, 2048, 3), 1e-4);
    });
  });

  it('gives back what was uploaded, small, large and again', () => {
    for (const size of [1, 2, 5000, 20_000, 300_000, 20_000, 250_000, 20_000]) {
      const values = normal(size, size);
      tf.tidy(() => near(tf.add(tf.tensor1d(values), 0).dataSync(), values, 0));
    }
    tf.tidy(() => {
      const numbers = Int32Array.from({ length: 20_000 }, (_, i) => i - 7);
      assert.deepEqual(tf.add(tf.tensor1d(numbers, 'int32'), 1).dataSync()[19_999], 19_993);
      assert.deepEqual([...tf.logicalNot(tf.tensor1d([true, false, true], 'bool')).dataSync()], [0, 1, 0]);
    });
  });

  it('keeps uploads in their order, also where memory for them is short', () => {
    const backend = tf.backend() as unknown as Backend;
    const stage = stageUploads(backend, 100_000);
    tf.tidy(() => {
      let total = tf.zeros([20_000]);
      for (let round = 1; round <= 6; round++) {
        const fresh = tf.tensor1d(new Float32Array(20_000));
        backend.uploadToGPU(fresh.dataId);
        const { resource } = backend.tensorMap.get(fresh.dataId);
        assert.ok(resource);
        stage(resource, new Float32Array(20_000).fill(round));
        total = tf.add(total, fresh);
      }
      near(total.dataSync().slice(0, 2), [21, 21], 0);
    });
  });

  it('frees memory that it keeps for later, and goes on computing', () => {
    const { bufferManager } = tf.backend() as unknown as Backend;
    boundPool(bufferManager, 0);
    const before = bufferManager.numBytesAllocated;
    for (let size = 1000; size < 1100; size++) {
      tf.tidy(() =>
        near(
          tf
            .mul(tf.fill([size], 2), tf.fill([size], 3))
            .dataSync()
            .slice(0, 1),
          [6],
          0,
        ),
      );
    }
    const more = bufferManager.numBytesAllocated - before;
    assert.ok(more < 100 * 1000 * 4, `${more} bytes more`);
  });

  it('leaves no tensor behind', () => {
    const { numTensors } = tf.memory();
    tf.tidy(() => tf.sum(tf.matMul(tf.ones([30, 30]), tf.ones([30, 30]))).dataSync());
    assert.equal(tf.memory().numTensors, numTensors);
  });
});
