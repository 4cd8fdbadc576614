import * as tf from '@tensorflow/tfjs-core';
import assert from 'node:assert/strict';
import { functionCount } from '../../../pipeline/tensor/recorded/attempt.ts';
import { functionBackend, type TensorflowBackend } from '../../../pipeline/tensor/recorded/backend.ts';
import { isRecording } from '../../../pipeline/tensor/recorded/tape.ts';
import { recorded, runsAsItIs } from '../../../pipeline/tensor/recorded/recorded.ts';
import { describeOnEachEngine } from '../../support/engines.ts';
import { present } from '../../support/present.ts';

const reasonOf = (key: string): string | undefined =>
  runsAsItIs().find((entry) => entry.key.startsWith(`${key} `))?.reason;

const values = (tensors: readonly tf.Tensor[]): number[][] => {
  const read = tensors.map((tensor) => [...tensor.dataSync()]);
  tf.dispose([...tensors]);
  return read;
};

/** Runs `body` with methods of the backend replaced. */
function withBackend<T>(own: Partial<TensorflowBackend>, body: () => T): T {
  const backend = present(functionBackend());
  Object.assign(backend, own);
  try {
    return body();
  } finally {
    for (const name of Object.keys(own)) Reflect.deleteProperty(backend, name);
  }
}

describeOnEachEngine('recorded code', (engine) => {
  const hasFunctions = engine === 'tensorflow';

  it('gives what the code gives, from the first call on, with any numbers', () => {
    tf.tidy(() => {
      for (const scale of [1, -3, NaN, 1e30]) {
        const x = tf.mul(tf.tensor2d([1, 2, 3, 4], [2, 2]), scale);
        const [found] = recorded('twice', [x], ([x]) => [tf.add(x, x)]);
        assert.deepEqual([...found.dataSync()], [...tf.mul(x, 2).dataSync()]);
      }
    });
    assert.equal(reasonOf('twice'), undefined);
  });

  it('answers to inputs that change, the order of equal shapes and a tensor that comes twice', () => {
    tf.tidy(() => {
      const [a, b] = [tf.tensor1d([1, 2]), tf.tensor1d([10, 20])];
      const minus = (a: tf.Tensor, b: tf.Tensor) =>
        recorded('minus', [a, b], ([a, b]) => [tf.sub(a, b)])[0].dataSync();
      assert.deepEqual([...minus(a, a)], [0, 0]);
      assert.deepEqual([...minus(a, b)], [-9, -18]);
      assert.deepEqual([...minus(b, a)], [9, 18]);
      assert.deepEqual([...minus(b, b)], [0, 0]);
      // The same data in another form.
      const [x, y] = [tf.ones([2, 1]), tf.ones([1, 2])];
      assert.deepEqual(recorded('outer', [x, y], ([x, y]) => [tf.mul(x, y)])[0].shape, [2, 2]);
    });
  });

  it('gives tensors of the caller’s own: also an input, and one result twice', () => {
    const x = tf.tensor1d([1, 2]);
    for (let call = 0; call < 2; call++) {
      const results = recorded('the same', [x], ([x]) => {
        const y = tf.neg(x);
        return [x, y, y, x];
      });
      assert.deepEqual(values(results), [
        [1, 2],
        [-1, -2],
        [-1, -2],
        [1, 2],
      ]);
    }
    assert.deepEqual([...x.dataSync()], [1, 2]);
    x.dispose();
  });

  it('takes whole numbers, truth values, single numbers and nothing at all', () => {
    tf.tidy(() => {
      const rows = tf.tensor1d([3, 4], 'int32');
      const which = tf.tensor1d([1, 0], 'bool');
      const [picked] = recorded('choose', [which, rows, tf.scalar(7, 'int32')], ([which, rows, other]) => [
        tf.where(which, rows, tf.mul(tf.onesLike(rows), other)),
      ]);
      assert.deepEqual([picked.dtype, ...picked.dataSync()], ['int32', 3, 7]);
      const empty = tf.zeros([0, 3]);
      const [result] = recorded('of nothing', [empty], ([x]) => [tf.reshape(tf.mul(x, 2), [0, 3, 1])]);
      assert.deepEqual(result.shape, [0, 3, 1]);
    });
    for (const key of ['choose', 'of nothing']) assert.equal(reasonOf(key), undefined);
  });

  it('is part of what records or differentiates around it', () => {
    tf.tidy(() => {
      const square = (x: tf.Tensor) => recorded('square', [x], ([x]) => [tf.square(x)])[0];
      const x = tf.tensor1d([1, 2, 3]);
      const slope = tf.grad((x: tf.Tensor) => tf.sum(square(x)))(x);
      assert.deepEqual([...slope.dataSync()], [2, 4, 6]);
      const [fourth] = recorded('fourth', [x], ([x]) => [square(square(x))]);
      assert.deepEqual([...fourth.dataSync()], [1, 16, 81]);
      const [both] = recorded('gradient', [x], ([x]) => [tf.grad((x: tf.Tensor) => tf.sum(square(x)))(x)]);
      assert.deepEqual([...both.dataSync()], [2, 4, 6]);
    });
    for (const key of ['square', 'fourth', 'gradient']) assert.equal(reasonOf(key), undefined);
  });

  it('runs as it is with BLOCKFORGE_FUNCTIONS=off', () => {
    process.env.BLOCKFORGE_FUNCTIONS = 'off';
    try {
      const before = functionCount();
      tf.tidy(() => {
        const [y] = recorded('switched off', [tf.scalar(2)], ([x]) => [tf.exp(tf.exp(x))]);
        assert.ok(Math.abs(y.dataSync()[0]! - Math.exp(Math.exp(2))) < 1e-2);
      });
      assert.equal(functionCount(), before);
    } finally {
      delete process.env.BLOCKFORGE_FUNCTIONS;
    }
  });

  it('passes on what the code throws, and is whole afterwards', () => {
    const x = tf.tensor1d([1, 2]);
    const tensors = tf.memory().numTensors;
    const boom = () =>
      recorded('throws', [x], ([x]) => {
        tf.square(x);
        throw new RangeError('no such thing');
      });
    assert.throws(boom, /^RangeError: no such thing$/);
    assert.throws(boom, /^RangeError: no such thing$/);
    assert.equal(isRecording(), false);
    assert.equal(tf.memory().numTensors, tensors);
    assert.deepEqual(values(recorded('after that', [x], ([x]) => [tf.square(x)])), [[1, 4]]);
    x.dispose();
  });

  if (!hasFunctions) return;

  it('leaves the backend’s own methods as they were', () => {
    const backend = present(functionBackend());
    const own = Object.getOwnPropertyNames(backend);
    tf.tidy(() => void recorded('methods', [tf.scalar(1)], ([x]) => [tf.neg(x)]));
    assert.deepEqual(Object.getOwnPropertyNames(backend), own);
  });

  it('leaves no tensor behind in 200 calls of two batch sizes', () => {
    const weights = tf.ones([3, 3]);
    const call = (rows: number) =>
      tf.tidy(() => {
        const x = tf.ones([rows, 3]);
        recorded('layer', [x, weights], ([x, w]) => [tf.tanh(tf.matMul(x, w)), tf.matMul(x, w)]);
      });
    call(2);
    const { numTensors } = tf.memory();
    for (let i = 0; i < 200; i++) call(2 + (i % 2));
    assert.equal(tf.memory().numTensors, numTensors);
    weights.dispose();
  });

  const numbers = Float32Array.from({ length: 5000 }, (_, i) => i);
  const hindered: [string, RegExp, (x: tf.Tensor, other: tf.Tensor) => tf.Tensor][] = [
    [
      'an operation that is in no table',
      /it uses LRN/,
      (x) => tf.localResponseNormalization(tf.reshape<tf.Rank.R4>(x, [1, 1, 1, 2])),
    ],
    ['a tensor read back', /reads a tensor back/, (x) => tf.mul(x, x.dataSync()[0]!)],
    ['a tensor from elsewhere', /not among its inputs/, (x, other) => tf.add(x, other)],
    ['one from elsewhere as its result', /not among its inputs/, (_, other) => other],
    [
      'much data made on the way',
      /makes a tensor of 5000 values/,
      (x) => tf.add(tf.sum(x), tf.tensor1d(numbers)),
    ],
  ];
  for (const [title, reason, body] of hindered) {
    it(`runs as it is with a reason: ${title}`, () => {
      const [x, other] = [tf.tensor1d([1, 2]), tf.tensor1d([5, 6])];
      const plain = values([tf.tidy(() => tf.clone(body(x, other)))]);
      for (let call = 0; call < 2; call++) {
        const results = recorded(title, [x], ([x]) => [tf.clone(body(x, other))]);
        assert.deepEqual(values(results), plain);
      }
      assert.match(present(reasonOf(title)), reason);
      tf.dispose([x, other]);
    });
  }

  it('sees a tensor from elsewhere also where it is the input of the first call', () => {
    const [x, y] = [tf.tensor1d([1, 2]), tf.tensor1d([10, 20])];
    const call = (given: tf.Tensor) => values(recorded('captured', [given], ([given]) => [tf.add(given, x)]));
    assert.deepEqual(call(x), [[2, 4]]);
    assert.deepEqual(call(y), [[11, 22]]);
    assert.match(present(reasonOf('captured')), /not among its inputs/);
    tf.dispose([x, y]);
  });

  it('runs as it is where a function gives something else: other numbers, another shape, or an error', () => {
    const backend = present(functionBackend());
    const execute = backend.executeMultipleOutputs;
    const faults: [string, RegExp, (y: tf.Tensor, z: tf.Tensor) => tf.Tensor[]][] = [
      ['other numbers', /result 1 differs by/, (y, z) => [y, tf.mul(z, 1.1)]],
      [
        'another shape',
        /result 0 is float32\[1,2\] instead of float32\[2\]/,
        (y, z) => [tf.reshape(y, [1, 2]), z],
      ],
      [
        'an error',
        /no kernel for that/,
        () => {
          throw new Error('no kernel for that');
        },
      ],
    ];
    for (const [title, reason, change] of faults) {
      const x = tf.tensor1d([1, 2]);
      const results = withBackend(
        {
          executeMultipleOutputs: (name, ...more) => {
            return tf.tidy(() => {
              const results = execute.call(backend, name, ...more);
              return name.startsWith('blockforge') ? change(...(results as [tf.Tensor, tf.Tensor])) : results;
            });
          },
        },
        () => recorded(title, [x], ([x]) => [tf.square(x), tf.neg(x)]),
      );
      assert.deepEqual(values(results), [
        [1, 4],
        [-1, -2],
      ]);
      assert.match(present(reasonOf(title)), reason);
      x.dispose();
    }
  });

  it('lets too little memory be an error, and decides nothing by it', () => {
    const x = tf.tensor1d([1, 2]);
    const call = () => recorded('scarce', [x], ([x]) => [tf.square(x)]);
    const backend = present(functionBackend());
    const execute = backend.executeMultipleOutputs;
    const error = new Error('OOM when allocating tensor with shape[2]');
    const failing: Partial<TensorflowBackend> = {
      executeMultipleOutputs: (name, ...more) => {
        if (name.startsWith('blockforge')) throw error;
        return execute.call(backend, name, ...more);
      },
    };
    assert.throws(() => withBackend(failing, call), /OOM/);
    assert.deepEqual(values(call()), [[1, 4]]);
    assert.equal(reasonOf('scarce'), undefined);
    x.dispose();
  });

  it('does without where the binding takes no functions', () => {
    const backend = present(functionBackend());
    const { binding } = backend;
    const older = new Proxy(
      {},
      {
        has: (_, name) => name !== 'addFunction' && name in binding,
        get: (_, name) => Reflect.get(binding, name) as unknown,
      },
    );
    const x = tf.scalar(3);
    Object.assign(backend, { binding: older });
    try {
      assert.equal(functionBackend(), undefined);
      const results = recorded('older', [x], ([x]) => [tf.square(x)]);
      assert.deepEqual(values(results), [[9]]);
    } finally {
      Object.assign(backend, { binding });
    }
    x.dispose();
  });
});
