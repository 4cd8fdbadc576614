import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { biasedAttention } from '../../pipeline/tensor/biased-attention.ts';
import { attention } from '../../pipeline/tensor/attention.ts';
import { tableRows } from '../../pipeline/tensor/table-rows.ts';
import { random } from '../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../support/engines.ts';

const [batch, heads, queries, tokens, size] = [2, 2, 3, 4, 5];

function normals(name: string, ...shape: number[]): tf.Tensor {
  const stream = random(4, name);
  const length = shape.reduce((product, extent) => product * extent);
  return tf.tensor(
    Float32Array.from({ length }, () => stream.normal()),
    shape,
  );
}

const largest = (a: tf.Tensor, b: tf.Tensor): number => tf.max(tf.abs(tf.sub(a, b))).dataSync()[0]!;

describeOnEachEngine('attention with a bias, of fewer queries than keys', () => {
  const inputs = () =>
    [
      normals('q', batch, heads, queries, size),
      normals('k', batch, heads, tokens, size),
      normals('v', batch, heads, tokens, size),
      normals('bias', 1, heads, queries, tokens),
    ] as const;

  it('adds it to the scores of every image, so that none is as without', () => {
    tf.tidy(() => {
      const [q, k, v, bias] = inputs();
      const scores = tf.mul(tf.matMul(q, k, false, true), 1 / Math.sqrt(size));
      const expected = tf.matMul(tf.softmax(tf.add(scores, bias)), v);
      assert.ok(largest(biasedAttention(q, k, v, bias), expected) < 1e-5);
      assert.ok(largest(attention(q, k, v), expected) > 0.1);
      assert.ok(largest(biasedAttention(q, k, v, tf.zerosLike(bias)), attention(q, k, v)) < 1e-6);
    });
  });

  it('has the gradients of differences along a random direction, that of the bias summed over images', () => {
    tf.tidy(() => {
      const all = inputs();
      const after = normals('after', batch, heads, queries, size);
      const loss = (...given: tf.Tensor[]) =>
        tf.sum(tf.mul(biasedAttention(...(given as [tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor])), after));
      const gradients = tf.grads((...given: tf.Tensor[]) => loss(...given))([...all]);
      all.forEach((tensor, at) => {
        const direction = normals(`direction ${at}`, ...tensor.shape);
        const along = (factor: number) =>
          loss(
            ...all.map((one, i) => (i === at ? tf.add(one, tf.mul(direction, factor)) : one)),
          ).dataSync()[0]!;
        const measured = (along(1e-2) - along(-1e-2)) / 2e-2;
        const expected = tf.sum(tf.mul(gradients[at]!, direction)).dataSync()[0]!;
        assert.ok(Math.abs(measured - expected) < 1e-2, `${at}: ${expected}, differences ${measured}`);
      });
    });
  });
});

describeOnEachEngine('rows of a table', () => {
  it('come as often as they are asked for, and give back the sum of what became of them', () => {
    tf.tidy(() => {
      const table = tf.tensor2d([1, 2, 3, 4, 5, 6], [3, 2]);
      const index = Int32Array.of(2, 0, 2);
      assert.deepEqual([...tableRows(table, index).dataSync()], [5, 6, 1, 2, 5, 6]);
      const after = tf.tensor2d([1, 10, 2, 20, 4, 40], [3, 2]);
      const gradient = tf.grad((table: tf.Tensor) => tableRows(table, index))(table, after);
      assert.deepEqual([...gradient.dataSync()], [2, 20, 0, 0, 5, 50]);
    });
  });
});
