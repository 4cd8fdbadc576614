import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { downloadPacked, pack, unpack, uploadPacked } from '../../pipeline/compress/packed-stream.ts';
import { random } from '../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../support/engines.ts';

describeOnEachEngine('streams in 16 bits', () => {
  const rows = 20;
  const width = 48;
  const roundTrip = async (x: Float32Array): Promise<Float32Array> => {
    const packed = tf.tidy(() => pack(tf.tensor2d(x, [x.length / width, width])));
    const host = await downloadPacked(packed);
    assert.ok(host.values instanceof Int16Array && host.values.length === x.length);
    const again = uploadPacked(host);
    const [values, direct] = tf.tidy(() => [unpack(again), unpack(packed)]) as [tf.Tensor, tf.Tensor];
    const found = values.dataSync<'float32'>().slice();
    // What is kept and read again is what was there, to the bit.
    assert.deepEqual(direct.dataSync<'float32'>(), found);
    tf.dispose([packed.values, packed.scales, again.values, again.scales, values, direct]);
    return found;
  };

  it('are off by less than sqrt(m |x|) / 32767, with single activations of 1,000 beside values of 1 as well', async () => {
    const stream = random(1, 'values');
    for (const massive of [0, 1000]) {
      const x = Float32Array.from({ length: rows * width }, (_, i) =>
        massive > 0 && i % width === 7 ? massive * (1 + 0.1 * stream.normal()) : stream.normal(),
      );
      const found = await roundTrip(x);
      let error = 0;
      let energy = 0;
      for (let row = 0; row < rows; row++) {
        const token = x.subarray(row * width, (row + 1) * width);
        const most = token.reduce((max, value) => Math.max(max, Math.abs(value)), 0);
        token.forEach((value, d) => {
          const off = Math.abs(found[row * width + d]! - value);
          const bound = Math.sqrt(most * Math.abs(value)) / 32767 + most / 32767 ** 2;
          assert.ok(off <= bound + 3e-7 * Math.abs(value), `${value} comes back off by ${off}`);
          if (massive > 0 && d === 7) return;
          error += off ** 2;
          energy += value ** 2;
        });
      }
      // The share of the ordinary values' energy: equal steps would lose 8e-5 beside massive ones.
      assert.ok(error / energy < (massive > 0 ? 5e-7 : 5e-9), `${error / energy}`);
    }
  });

  it('keep zeros, signs and the largest value of every token', async () => {
    const x = new Float32Array(3 * width);
    x.set([-5, 3, 0, 1e-3], width);
    x.set([2e4, -1], 2 * width);
    const found = await roundTrip(x);
    assert.deepEqual(found.subarray(0, width), new Float32Array(width));
    assert.ok(Math.abs(found[width]! + 5) < 1e-6 && found[width + 2] === 0 && found[width + 3]! > 0);
    assert.ok(Math.abs(found[2 * width]! - 2e4) < 4e-3 && found[2 * width + 1]! < 0);
  });
});
