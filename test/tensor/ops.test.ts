import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import {
  gelu,
  layerNorm,
  linear,
  mergeHeads,
  patchify,
  product,
  splitHeads,
} from '../../pipeline/tensor/ops.ts';
import { attention } from '../../pipeline/tensor/attention.ts';
import { random } from '../../pipeline/util/random.ts';
import { describeOnEachEngine } from '../support/engines.ts';

function values(shape: number[], label: string): Float32Array {
  const stream = random(7, label);
  return Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => stream.normal());
}

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  const scale = Math.max(1, ...Array.from(expected, Math.abs));
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(actual[i]! - expected[i]!);
    assert.ok(
      error <= tolerance * scale,
      `[${i}] ${actual[i]} is not ${expected[i]} within ${tolerance * scale}`,
    );
  }
}

type Op = (...inputs: tf.Tensor[]) => tf.Tensor;

/**
 * Compares the gradient of `sum(f(inputs) * weights)`, weights random, with central differences of every element.
 * Step 1e-2 in float32: about 1e-5 from rounding and 1e-4 from truncation, hence the tolerance of 2e-3 of the
 * largest gradient.
 */
function checkGradients(f: Op, shapes: number[][]): void {
  const inputs = shapes.map((shape, i) => values(shape, `input ${i}`));
  const scalar = (...tensors: tf.Tensor[]): tf.Scalar => {
    const y = f(...tensors);
    return tf.sum(tf.mul(y, tf.tensor(values(y.shape, 'weights'), y.shape)));
  };
  const evaluate = (): number =>
    tf.tidy(() => scalar(...inputs.map((data, i) => tf.tensor(data.slice(), shapes[i]))).dataSync()[0]!);
  tf.tidy(() => {
    const gradients = tf.grads(scalar)(inputs.map((data, i) => tf.tensor(data.slice(), shapes[i])));
    inputs.forEach((data, i) => {
      const differences = data.map((value, j) => {
        data[j] = value + 1e-2;
        const above = evaluate();
        data[j] = value - 1e-2;
        const below = evaluate();
        data[j] = value;
        return (above - below) / 2e-2;
      });
      assert.deepEqual(gradients[i]!.shape, shapes[i]);
      assertClose(gradients[i]!.dataSync(), differences, 2e-3);
    });
  });
}

describeOnEachEngine('tensor/ops', () => {
  it('linear equals the sums written out, for matrices and for token batches', () => {
    tf.tidy(() => {
      const kernel = tf.tensor2d([1, 2, 3, 4, 5, 6], [2, 3]);
      const bias = tf.tensor1d([10, 20, 30]);
      const y = linear(tf.tensor2d([1, 1, 2, -1], [2, 2]), kernel, bias);
      assert.deepEqual([...y.dataSync()], [15, 27, 39, 8, 19, 30]);
      const tokens = linear(tf.tensor3d([1, 1, 2, -1], [2, 1, 2]), kernel);
      assert.deepEqual(tokens.shape, [2, 1, 3]);
      assert.deepEqual([...tokens.dataSync()], [5, 7, 9, -2, -1, 0]);
    });
  });

  it('linear has the gradients of its finite differences', () => {
    checkGradients((x, kernel, bias) => linear(x, kernel, bias), [[5, 3], [3, 4], [4]]);
    checkGradients((x, kernel, bias) => linear(x, kernel, bias), [[2, 3, 3], [3, 4], [4]]);
    checkGradients(
      (x, kernel) => linear(x, kernel),
      [
        [2, 3],
        [3, 4],
      ],
    );
  });

  it('matMul with either flag keeps its gradient', () => {
    for (const [transposeA, transposeB] of [
      [false, false],
      [false, true],
      [true, false],
      [true, true],
    ]) {
      checkGradients(
        (a, b) => tf.matMul(a, b, transposeA, transposeB),
        [transposeA ? [2, 3, 4] : [2, 4, 3], transposeB ? [2, 5, 3] : [2, 3, 5]],
      );
    }
  });

  it('product agrees with matMul on batches of small and of large matrices', () => {
    for (const [rows, inner, columns] of [
      [3, 4, 5],
      [40, 30, 50],
    ] as const) {
      tf.tidy(() => {
        const a = tf.tensor(values([2, 3, rows, inner], 'a'), [2, 3, rows, inner]);
        const b = tf.tensor(values([2, 3, inner, columns], 'b'), [2, 3, inner, columns]);
        const expected = tf.matMul(a, b);
        const axes = [0, 1, 3, 2];
        const flags: [boolean, boolean][] = [
          [false, false],
          [false, true],
          [true, false],
          [true, true],
        ];
        for (const [transposeA, transposeB] of flags) {
          const left = transposeA ? tf.transpose(a, axes) : a;
          const right = transposeB ? tf.transpose(b, axes) : b;
          const actual = product(left, right, transposeA, transposeB);
          assert.deepEqual(actual.shape, [2, 3, rows, columns]);
          assertClose(actual.dataSync(), expected.dataSync(), 1e-5);
        }
      });
    }
  });

  it('gelu agrees with reference values of all forms', () => {
    // Float64 values of x Phi(x), of the tanh form and of x sigmoid(1.702 x) at -3, -1, 0, 0.5 and 2.
    const x = tf.tensor1d([-3, -1, 0, 0.5, 2]);
    const exact = gelu(x, 'exact');
    const tanh = gelu(x, 'tanh');
    const quick = gelu(x, 'quick');
    assertClose(exact.dataSync(), [-0.0040496941, -0.1586552539, 0, 0.3457312306, 1.9544997361], 1e-6);
    assertClose(tanh.dataSync(), [-0.0036373921, -0.1588080094, 0, 0.3457140124, 1.954597694], 1e-6);
    assertClose(quick.dataSync(), [-0.0180713097, -0.1542042341, 0, 0.3503884366, 1.9356586231], 1e-6);
    tf.dispose([x, exact, tanh, quick]);
  });

  it('gelu stays finite far out and is the identity or zero there', () => {
    for (const kind of ['exact', 'tanh', 'quick'] as const) {
      const [value, slope] = tf.tidy(() => {
        const x = tf.tensor1d([-80, -12, 12, 80]);
        return [
          gelu(x, kind).dataSync(),
          tf
            .grad((t) => gelu(t, kind))(x)
            .dataSync(),
        ];
      });
      assertClose(value, [0, 0, 12, 80], 1e-7);
      assertClose(slope, [0, 0, 1, 1], 1e-6);
    }
  });

  it('gelu has the gradient of its finite differences', () => {
    checkGradients((x) => gelu(x, 'exact'), [[4, 5]]);
    checkGradients((x) => gelu(x, 'tanh'), [[4, 5]]);
    checkGradients((x) => gelu(x, 'quick'), [[4, 5]]);
  });

  it('layerNorm has mean beta and deviation gamma over the last axis', () => {
    tf.tidy(() => {
      const x = tf.tensor(values([2, 3, 8], 'x'), [2, 3, 8]);
      const y = layerNorm(tf.add(tf.mul(x, 5), 2), tf.fill([8], 3), tf.fill([8], -1), 1e-6);
      assertClose(tf.mean(y, 2).dataSync(), new Array<number>(6).fill(-1), 1e-5);
      assertClose(tf.moments(y, 2).variance.dataSync(), new Array<number>(6).fill(9), 1e-4);
      const small = layerNorm(tf.tensor2d([0, 2], [1, 2]), tf.ones([2]), tf.zeros([2]), 8).dataSync()[0]!;
      assert.ok(Math.abs(small + 1 / 3) < 1e-6, 'epsilon is added to the variance: -1 / sqrt(1 + 8)');
    });
  });

  it('layerNorm has the gradients of its finite differences', () => {
    checkGradients((x, gamma, beta) => layerNorm(x, gamma, beta, 1e-5), [[2, 3, 6], [6], [6]]);
  });

  it('attention averages the values by softmax(q k / sqrt(d))', () => {
    tf.tidy(() => {
      const q = tf.tensor4d([2, 0, 0, 0], [1, 1, 1, 4]);
      const k = tf.tensor4d([Math.log(3), 0, 0, 0, 0, 5, 0, 0], [1, 1, 2, 4]);
      const v = tf.tensor4d([1, 0, 0, 0, 0, 1, 0, 0], [1, 1, 2, 4]);
      assertClose(attention(q, k, v).dataSync(), [0.75, 0.25, 0, 0], 1e-6);
    });
  });

  it('attention has the gradients of its finite differences, also with fewer queries than keys', () => {
    checkGradients(
      (q, k, v) => attention(q, k, v),
      [
        [2, 2, 3, 4],
        [2, 2, 3, 4],
        [2, 2, 3, 4],
      ],
    );
    checkGradients(
      (q, k, v) => attention(q, k, v),
      [
        [2, 2, 1, 4],
        [2, 2, 3, 4],
        [2, 2, 3, 4],
      ],
    );
  });

  it('attention is the same, and so are its gradients, where images take turns', () => {
    const shapes = [
      [3, 2, 3, 4],
      [3, 2, 5, 4],
      [3, 2, 5, 2],
    ];
    tf.tidy(() => {
      const [q, k, v] = shapes.map((shape, i) => tf.tensor(values(shape, `turns ${i}`), shape)) as [
        tf.Tensor,
        tf.Tensor,
        tf.Tensor,
      ];
      const together = tf.grads((q, k, v) => attention(q, k, v));
      for (const most of [1, 60, 89]) {
        const found = attention(q, k, v, most);
        assertClose(found.dataSync(), [...attention(q, k, v).dataSync()], 1e-6);
        const dy = tf.tensor(values(found.shape, 'dy'), found.shape);
        const expected = together([q, k, v], dy);
        tf.grads((q, k, v) => attention(q, k, v, most))([q, k, v], dy).forEach((gradient, i) =>
          assertClose(gradient.dataSync(), [...expected[i]!.dataSync()], 1e-6),
        );
      }
    });
  });

  it('attention has the gradients of its finite differences where values have another size', () => {
    checkGradients(
      (q, k, v) => attention(q, k, v),
      [
        [1, 2, 3, 4],
        [1, 2, 3, 4],
        [1, 2, 3, 2],
      ],
    );
  });

  it('splitHeads orders q, k, v before heads, and mergeHeads undoes one of them', () => {
    tf.tidy(() => {
      const [batch, tokens, heads, size] = [2, 3, 2, 4];
      const qkv = tf.tensor(values([batch, tokens, 3 * heads * size], 'qkv'), [
        batch,
        tokens,
        3 * heads * size,
      ]);
      const parts = splitHeads(qkv, heads);
      parts.forEach((part, i) => {
        assert.deepEqual(part.shape, [batch, heads, tokens, size]);
        const columns = tf.slice(qkv, [0, 0, i * heads * size], [batch, tokens, heads * size]);
        assert.deepEqual([...mergeHeads(part).dataSync()], [...columns.dataSync()]);
      });
    });
    checkGradients(
      (x) => mergeHeads(tf.mul(...(splitHeads(x, 2).slice(1) as [tf.Tensor, tf.Tensor]))),
      [[2, 3, 12]],
    );
  });

  it('patchify puts row, column and channel of a patch in that order', () => {
    tf.tidy(() => {
      const size = 4;
      const pixels = tf.reshape(tf.range(0, size * size * 3), [1, size, size, 3]);
      const patches = patchify(pixels, 2);
      assert.deepEqual(patches.shape, [1, 4, 12]);
      const at = (y: number, x: number, c: number): number => (y * size + x) * 3 + c;
      const expected = [];
      for (const [py, px] of [
        [0, 0],
        [0, 1],
        [1, 0],
        [1, 1],
      ] as const) {
        for (let y = 0; y < 2; y++)
          for (let x = 0; x < 2; x++)
            for (let c = 0; c < 3; c++) expected.push(at(2 * py + y, 2 * px + x, c));
      }
      assert.deepEqual([...patches.dataSync()], expected);
    });
    assert.throws(
      () => tf.tidy(() => patchify(tf.zeros([1, 5, 5, 1]), 2)),
      /cannot be cut into patches of 2/,
    );
  });
});
