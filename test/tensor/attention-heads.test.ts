import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { attentionHeads, keyValueHeads } from '../../pipeline/tensor/attention-heads.ts';
import { describeOnEachEngine } from '../support/engines.ts';

describeOnEachEngine('tensor/attention-heads', () => {
  for (const [keySize, valueSize] of [
    [2, 3],
    [3, 1],
    [2, 2],
  ] as const) {
    it(`orders queries, keys and values head by head (sizes ${keySize} and ${valueSize})`, () => {
      tf.tidy(() => {
        const [batch, tokens, heads] = [2, 3, 2];
        const width = heads * (2 * keySize + valueSize);
        const all = tf.reshape(tf.range(0, batch * tokens * width), [batch, tokens, width]);
        const sizes = { heads, keySize, valueSize };
        const [q, k, v] = attentionHeads(all, sizes);
        const expected = (offset: number, size: number): number[] =>
          [0, 1].flatMap((b) =>
            [0, 1].flatMap((h) =>
              [0, 1, 2].flatMap((t) =>
                Array.from({ length: size }, (_, i) => (b * tokens + t) * width + offset + h * size + i),
              ),
            ),
          );
        const keys = heads * keySize;
        assert.deepEqual(
          [q.shape, v.shape],
          [
            [2, 2, 3, keySize],
            [2, 2, 3, valueSize],
          ],
        );
        assert.deepEqual([...q.dataSync()], expected(0, keySize));
        assert.deepEqual([...k.dataSync()], expected(keys, keySize));
        assert.deepEqual([...v.dataSync()], expected(2 * keys, valueSize));
        const rest = tf.slice(all, [0, 0, keys], [-1, -1, -1]);
        const [again, values] = keyValueHeads(rest, sizes);
        assert.deepEqual([...again.dataSync()], [...k.dataSync()]);
        assert.deepEqual([...values.dataSync()], [...v.dataSync()]);
      });
    });
  }
});
