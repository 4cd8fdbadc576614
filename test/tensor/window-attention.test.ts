import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { windowTokens } from '../../pipeline/model/family/swin-places.ts';
import { windowAttention } from '../../pipeline/tensor/window-attention.ts';
import { random } from '../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../support/engines.ts';

const [batch, heads, size] = [2, 2, 3];
const place = { side: 4, window: 2, shift: 1 };
const tokens = windowTokens(place);
const [count, inside] = [place.side ** 2, place.window ** 2];
const width = 3 * heads * size;
const windows = count / inside;

const normals = (name: string, length: number): number[] => {
  const stream = random(3, name, length);
  return Array.from({ length }, () => stream.normal());
};
const qkv = normals('qkv', batch * count * width);
const bias = normals('bias', windows * heads * inside * inside);
const after = normals('after', batch * count * heads * size);

/** In doubles, window by window, head by head, token by token. */
function byHand(qkv: readonly number[], bias: readonly number[]): number[] {
  const result = new Array<number>(batch * count * heads * size);
  const part = (image: number, token: number, which: number, head: number): number[] => {
    const start = (image * count + token) * width + (which * heads + head) * size;
    return qkv.slice(start, start + size);
  };
  for (let image = 0; image < batch; image++)
    for (let window = 0; window < windows; window++)
      for (let head = 0; head < heads; head++) {
        const members = [...tokens.slice(window * inside, (window + 1) * inside)];
        members.forEach((own, i) => {
          const q = part(image, own, 0, head);
          const scores = members.map((other, j) => {
            const k = part(image, other, 1, head);
            const dot = q.reduce((sum, value, at) => sum + value * k[at]!, 0);
            return dot / Math.sqrt(size) + bias[((window * heads + head) * inside + i) * inside + j]!;
          });
          const exps = scores.map((score) => Math.exp(score));
          const total = exps.reduce((a, b) => a + b);
          for (let at = 0; at < size; at++) {
            const values = members.map((other) => part(image, other, 2, head)[at]!);
            const sum = values.reduce((sum, value, j) => sum + (value * exps[j]!) / total, 0);
            result[((image * count + own) * heads + head) * size + at] = sum;
          }
        });
      }
  return result;
}

const loss = (qkv: readonly number[], bias: readonly number[]): number =>
  byHand(qkv, bias).reduce((sum, value, at) => sum + value * after[at]!, 0);

function slope(values: readonly number[], at: number, of: (values: readonly number[]) => number): number {
  const step = 1e-4;
  return (of(values.with(at, values[at]! + step)) - of(values.with(at, values[at]! - step))) / (2 * step);
}

describe('tokens of a moved image, window by window', () => {
  it('takes in on one side what leaves on the other', () => {
    assert.deepEqual([...tokens], [5, 6, 9, 10, 7, 4, 11, 8, 13, 14, 1, 2, 15, 12, 3, 0]);
  });
});

describeOnEachEngine('attention within windows', () => {
  const tensors = (): [tf.Tensor3D, tf.Tensor4D] => [
    tf.tensor3d(qkv, [batch, count, width]),
    tf.tensor4d(bias, [windows, heads, inside, inside]),
  ];

  it('attends as said, every token at its own place', () => {
    tf.tidy(() => {
      const found = windowAttention(...tensors(), { heads, tokens });
      assert.deepEqual(found.shape, [batch, count, heads * size]);
      const expected = byHand(qkv, bias);
      const error = Math.max(...[...found.dataSync()].map((value, at) => Math.abs(value - expected[at]!)));
      assert.ok(error < 1e-5, `${error}`);
    });
  });

  it('has the gradient of the differences, in doubles', () => {
    tf.tidy(() => {
      const gradients = tf.grads((x: tf.Tensor, bias: tf.Tensor) =>
        windowAttention(x, bias, { heads, tokens }),
      );
      const dy = tf.tensor3d(after, [batch, count, heads * size]);
      const [dQkv, dBias] = gradients(tensors(), dy).map((tensor) => [...tensor.dataSync()]) as [
        number[],
        number[],
      ];
      for (let at = 0; at < qkv.length; at += 7) {
        const expected = slope(qkv, at, (values) => loss(values, bias));
        assert.ok(Math.abs(dQkv[at]! - expected) < 1e-4, `qkv ${at}: ${dQkv[at]} for ${expected}`);
      }
      for (let at = 0; at < bias.length; at += 3) {
        const expected = slope(bias, at, (values) => loss(qkv, values));
        assert.ok(Math.abs(dBias[at]! - expected) < 1e-4, `bias ${at}: ${dBias[at]} for ${expected}`);
      }
    });
  });
});
