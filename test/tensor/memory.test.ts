import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { assertFlat } from '../../pipeline/tensor/memory.ts';
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
});
