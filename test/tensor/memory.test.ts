import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { assertFlat, sampleRss } from '../../pipeline/tensor/memory.ts';
import { describeOnEachEngine } from '../support/engines.ts';

describeOnEachEngine('memory guards', () => {
  it('accept a flat loop and name the loop that leaks', () => {
    const check = assertFlat('the test loop');
    for (let round = 0; round < 3; round++) {
      tf.tidy(() => void tf.add(1, 2));
      check();
    }
    const leak = tf.scalar(1);
    assert.throws(check, /the test loop leaks tensors/);
    leak.dispose();
    check();
  });

  it('see the peak of the resident memory', () => {
    const sampler = sampleRss(1000);
    const before = process.memoryUsage.rss();
    // The first of them may fall into pages that earlier tests have freed and the process has kept.
    const ballast: Buffer[] = [];
    while (process.memoryUsage.rss() < before + 48e6 && ballast.length < 40)
      ballast.push(Buffer.alloc(64e6, 1));
    const { startBytes, peakBytes, endBytes } = sampler.stop();
    assert.equal(ballast[0]![63e6], 1);
    assert.ok(peakBytes >= startBytes + 32e6, `${peakBytes - startBytes} bytes more`);
    assert.ok(peakBytes >= endBytes);
  });
});
